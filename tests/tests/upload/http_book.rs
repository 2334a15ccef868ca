//! What an upload became: customers, policies and cases, as people look at them.

use crate::http_ground::{beside, manager};
use domain::permissions::SystemRole;
use serde_json::{Value, json};
use tests::http::TestApi;

/// Two uploads of three policies each, with their customers and cases.
async fn write(api: &TestApi) {
    let statements = "INSERT INTO file_uploads (id, filename, original_filename, file_size, file_type, upload_status) \
          SELECT u, 'a.csv', 'a.csv', 1, 'csv', 'completed' FROM generate_series(1, 2) u; \
        INSERT INTO upload_batches (id, upload_id, file_name) VALUES (11, 1, 'a.csv'), (12, 2, 'a.csv'); \
        INSERT INTO customers (id, customer_code, first_name, last_name, email, phone, upload_id) \
          SELECT i, 'C-' || i, 'Asha' || i, 'Rao_' || i, 'asha' || i || '@example.com', '+91987654321' || i, \
            (i + 2) / 3 FROM generate_series(1, 6) i; \
        INSERT INTO policies (id, policy_number, customer_id, policy_type, premium_amount, start_date, end_date, \
            upload_id, upload_row) \
          SELECT i, 'P-' || i, i, 'motor', 12500.5, '2025-04-01', '2026-03-31', (i + 2) / 3, i + 1 \
          FROM generate_series(1, 6) i; \
        INSERT INTO renewal_cases (id, case_number, policy_id, term_end, batch_id, renewal_amount, status) \
          SELECT i, 'CASE-' || i, i, '2026-03-31', 10 + (i + 2) / 3, 12500.5, \
            CASE i WHEN 6 THEN 'contacted' ELSE 'new' END FROM generate_series(1, 6) i";
    beside(api).await.batch_execute(statements).await.expect("a book");
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_lists_show_what_an_upload_became() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    write(&api).await;
    let get = async |path: &str| api.get(path).by(&user).send().await.data(200);

    let customers = get("/api/customers/?uploadId=upload-2&limit=2").await;
    assert_eq!(ids(&customers["customers"]), ["customer-6", "customer-5"]);
    let expected = json!({"page": 1, "limit": 2, "total": 3, "totalPages": 2, "atLeast": false});
    assert_eq!(customers["pagination"], expected);
    let first = &customers["customers"][0];
    assert_eq!((&first["name"], &first["phone"]), (&json!("Asha6 Rao_6"), &json!("+91******3216")));
    assert_eq!((&first["email"], &first["masked"]), (&json!("a***@example.com"), &json!(true)));
    assert_eq!(ids(&get("/api/customers?search=C-4").await["customers"]), ["customer-4"]);
    assert_eq!(ids(&get("/api/customers?search=asha2%20RAO_").await["customers"]), ["customer-2"]);
    assert_eq!(get("/api/customers?search=asha").await["pagination"]["total"], 6);
    assert_eq!(get("/api/customers?search=asha_").await["pagination"]["total"], 0, "no wildcards");
    assert_eq!(get("/api/customers?search=%20").await["pagination"]["total"], 6);

    let policies = get("/api/policies?uploadId=upload-1").await;
    assert_eq!(ids(&policies["policies"]), ["policy-3", "policy-2", "policy-1"]);
    let policy = &policies["policies"][0];
    assert_eq!((&policy["premiumAmount"], &policy["currency"]), (&json!("12500.50"), &json!("INR")));
    assert_eq!((&policy["customerId"], &policy["customerName"]), (&json!("customer-3"), &json!("Asha3 Rao_3")));
    assert_eq!((&policy["endDate"], &policy["uploadRow"]), (&json!("2026-03-31"), &json!(4)));
    assert_eq!(ids(&get("/api/policies?search=P-5").await["policies"]), ["policy-5"]);
    assert_eq!(ids(&get("/api/policies?customerId=customer-2").await["policies"]), ["policy-2"]);

    let cases = get("/api/cases/?uploadId=upload-2").await;
    assert_eq!(ids(&cases["cases"]), ["case-6", "case-5", "case-4"]);
    let case = &cases["cases"][0];
    assert_eq!((&case["caseNumber"], &case["policyNumber"]), (&json!("CASE-6"), &json!("P-6")));
    assert_eq!((&case["renewalAmount"], &case["uploadId"]), (&json!("12500.50"), &json!("upload-2")));
    assert_eq!(ids(&get("/api/cases?status=contacted").await["cases"]), ["case-6"]);
    assert_eq!(ids(&get("/api/cases?search=CASE-2").await["cases"]), ["case-2"]);
    assert_eq!(ids(&get("/api/cases?policyId=policy-4").await["cases"]), ["case-4"]);
    assert_eq!(get("/api/cases").await["pagination"]["total"], 6);
}

#[tokio::test]
async fn contact_data_is_masked_unless_one_may_see_it() {
    let api = TestApi::new().await;
    let looker = api.user(SystemRole::ReadOnly).await;
    write(&api).await;
    let list = api.get("/api/customers?limit=1").by(&looker).send().await.data(200);
    let customer = &list["customers"][0];
    assert_eq!((&customer["email"], &customer["phone"]), (&json!("a***@example.com"), &json!("+91******3216")));
    assert_eq!(customer["masked"], true);
}

#[tokio::test]
async fn filters_that_cannot_be_are_named() {
    let api = TestApi::new().await;
    let user = manager(&api).await;
    for (path, field) in [
        ("/api/customers?uploadId=campaign-1", "uploadId"),
        ("/api/policies?customerId=7", "customerId"),
        ("/api/cases?status=lost_and_found", "status"),
        ("/api/cases?limit=0", "limit"),
    ] {
        let refused = api.get(path).by(&user).send().await.error(400, "validation_failed");
        assert_eq!(refused["details"]["fields"][0]["field"], field, "{path}");
    }
}

/// With many rows, every filter is answered by an index.
#[tokio::test]
async fn no_filter_reads_the_whole_table() {
    let api = TestApi::new().await;
    write(&api).await;
    let client = beside(&api).await;
    let many = "INSERT INTO customers (customer_code, first_name, last_name) \
          SELECT 'M-' || i, 'First' || i, 'Last' || i FROM generate_series(1, 5000) i; \
        INSERT INTO policies (policy_number, customer_id, policy_type, premium_amount, start_date, end_date) \
          SELECT customer_code, id, 'motor', 1, '2025-04-01', '2026-03-31' FROM customers WHERE id > 6; \
        INSERT INTO renewal_cases (policy_id, term_end) SELECT id, end_date FROM policies WHERE id > 6; \
        ANALYZE customers, policies, renewal_cases, upload_batches";
    // the rows above were given their ids, which the sequences know nothing of
    let sequences = "SELECT setval(pg_get_serial_sequence('customers', 'id'), 100), \
        setval(pg_get_serial_sequence('policies', 'id'), 100), setval(pg_get_serial_sequence('renewal_cases', 'id'), 100)";
    client.batch_execute(&format!("{sequences}; {many}")).await.expect("many rows");
    for (query, index) in [
        ("SELECT * FROM customers WHERE upload_id = 2 ORDER BY id DESC LIMIT 20", "idx_customers_upload_id"),
        (
            "SELECT * FROM customers WHERE customer_code = 'First4242' \
             OR lower(first_name || ' ' || last_name) LIKE 'first4242%' ORDER BY id DESC LIMIT 20",
            "idx_customers_name",
        ),
        ("SELECT * FROM policies WHERE upload_id = 2 ORDER BY id DESC LIMIT 20", "idx_policies_upload_id"),
        (
            "SELECT * FROM renewal_cases WHERE batch_id = (SELECT id FROM upload_batches WHERE upload_id = 2) \
             ORDER BY id DESC LIMIT 20",
            "idx_renewal_cases_batch_id",
        ),
        (
            "SELECT * FROM renewal_cases WHERE status = 'contacted' ORDER BY id DESC LIMIT 20",
            "idx_renewal_cases_status",
        ),
    ] {
        let plan = client.query(&format!("EXPLAIN {query}"), &[]).await.expect("a plan");
        let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
        assert!(plan.iter().any(|line| line.contains(index)), "{query}: {plan:#?}");
    }
}
