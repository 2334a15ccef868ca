//! `/api/communication/rules` and `/api/communication/holidays`.

use crate::ground::{client, value};
use domain::{messaging::restraint::Rules, permissions::SystemRole};
use schema::consent::{Holidays, rules};
use serde_json::json;
use tests::http::TestApi;

#[tokio::test]
async fn rules_are_replaced_and_hold_at_once() {
    let api = TestApi::new().await;
    let plain = client(api.base.database.url()).await;
    let staff = api.user(SystemRole::Administrator).await;
    let path = "/api/communication/rules";
    let first = api.get(path).by(&staff).send().await.data(200);
    assert_eq!((&first["updatedAt"], &first["rules"]["country"]), (&json!(null), &json!("IN")));
    assert_eq!(
        first["rules"]["legalWindows"][0],
        json!({"country": "IN", "channel": "sms", "from": "09:00", "until": "21:00"})
    );
    let body = json!({
        "quietHours": {"start": "22:00", "end": "07:00", "channels": ["sms"]}, "marketingCap": {"count": 2, "days": 7},
        "optOutWords": ["नको"], "weekend": ["Fri", "Sat"],
        "bounces": {"hard": {"count": 2, "withinDays": 30, "suppressDays": null}, "complaint": "all"},
    });
    let put = api.put(path).by(&staff).json(&body).send().await.data(200);
    assert_eq!(put["rules"]["quietHours"]["marketingOnly"], false);
    assert_eq!(put["updatedBy"], format!("{}", staff.id));
    assert_eq!(api.get(path).by(&staff).send().await.data(200), put);
    let held = rules::get(&mut *api.connection().await).await.unwrap();
    assert_eq!((held.marketing_cap.unwrap().count, held.bounces.hard.count), (2, 2));
    // what is shown can be sent back
    api.put(path).by(&staff).json(&put["rules"]).send().await.data(200);
    assert_eq!(rules::get(&mut *api.connection().await).await.unwrap(), held);
    api.put(path).by(&staff).json(&json!({})).send().await.data(200);
    assert_eq!(rules::get(&mut *api.connection().await).await.unwrap(), Rules::default());
    for (body, field) in [
        (json!({"timeZone": "Mars"}), "timeZone"),
        (json!({"quietHours": {"start": "22:00", "end": "22:00"}}), "quietHours"),
        (json!({"quietHours": {"start": "25:00", "end": "22:00"}}), "quietHours.start"),
        (json!({"marketingCap": {"count": 0, "days": 7}}), "marketingCap.count"),
        (json!({"optInWords": ["stop"]}), "optInWords"),
        (json!({"quietHour": null}), "quietHour"),
    ] {
        let error = api.put(path).by(&staff).json(&body).send().await.error(400, "validation_failed");
        assert_eq!(error["details"]["fields"][0]["field"], field, "{error}");
    }
    let entries = "SELECT before, after FROM audit_log WHERE action = 'messaging_rules.changed' ORDER BY id";
    let told = value(&plain, entries).await;
    assert_eq!(told[0]["after"]["marketingCap"], json!({"count": 2, "days": 7}));
    assert_eq!(told[0]["before"]["marketingCap"], json!(null));
}

#[tokio::test]
async fn holidays_are_those_of_a_country_and_year() {
    let api = TestApi::new().await;
    let staff = api.user(SystemRole::Administrator).await;
    let path = "/api/communication/holidays";
    let now = api.state.services.clock.now();
    let (day, year) = (now.date_naive(), now.format("%Y").to_string().parse::<i32>().unwrap());
    let body = json!({"country": "IN", "year": year, "holidays": [{"day": day, "name": "A festival"}]});
    let put = api.put(path).by(&staff).json(&body).send().await.data(200);
    assert_eq!(put, body);
    assert_eq!(api.get(path).by(&staff).send().await.data(200), body);
    let listed = api.get(&format!("{path}?country=SG&year={year}")).by(&staff).send().await.data(200);
    assert_eq!(listed["holidays"], json!([]));
    let around = Holidays::around(&mut *api.connection().await, now).await.unwrap();
    assert_eq!((around.of("IN"), around.of("SG")), (&[day][..], &[][..]));
    let twice =
        json!({"country": "IN", "year": year, "holidays": [{"day": day, "name": "A"}, {"day": day, "name": "B"}]});
    let error = api.put(path).by(&staff).json(&twice).send().await.error(400, "validation_failed");
    assert_eq!(error["details"]["fields"][0]["field"], "holidays[1].day");
    let other = json!({"country": "IN", "year": year, "holidays": [{"day": "2001-01-01", "name": "A"}]});
    api.put(path).by(&staff).json(&other).send().await.error(400, "validation_failed");
    let none = json!({"country": "IN", "year": year, "holidays": []});
    assert_eq!(api.put(path).by(&staff).json(&none).send().await.data(200)["holidays"], json!([]));
}
