//! Whatever a filter says, the database and the rules in memory agree on whom it means.

use crate::{
    chance::Chance,
    filters::filter,
    world::{self, LISTS, day},
    write,
};
use domain::campaigns::audience::{
    Body, Filter, Node, Person, Segments, Selection, Subject, evaluate, findings, is_member, is_selected,
};
use domain::ids::SegmentId;
use domain::permissions::Reach;
use schema::segments::{self, Listed};
use serde_json::{Value, json};
use tests::{base::Base, diesel_schema::connect};

/// Trees a seed.
const TREES: u64 = 80;
const PEOPLE: i64 = 60;

/// The rows that a condition means, judged in memory.
fn judged(people: &[Person], subject: Subject, holds: impl Fn(&Person, Option<usize>) -> bool) -> Vec<Listed> {
    let mut found = Vec::new();
    for person in people {
        let row = |policy: Option<usize>| Listed {
            customer_id: person.id.0,
            policy_id: policy.map(|index| person.policies[index].id.0),
        };
        if subject == Subject::Customer || person.policies.is_empty() {
            found.extend(holds(person, None).then(|| row(None)));
        } else {
            let all = (0..person.policies.len()).filter(|index| holds(person, Some(*index)));
            found.extend(all.map(|index| row(Some(index))));
        }
    }
    found.sort_unstable();
    found
}

fn selection(value: &Value) -> Selection {
    let audience = domain::campaigns::Audience::parse(value).unwrap_or_else(|error| panic!("{value}: {error}"));
    let domain::campaigns::Audience::Selection(selection) = audience else { panic!("{value} is no selection") };
    selection
}

async fn agree(seed: u64) {
    let base = Base::new().await;
    let client = connect(base.database.url()).await;
    write::others(&client).await;
    let people = world::people(seed, PEOPLE);
    for person in &people {
        write::person(&client, person).await;
    }
    client.batch_execute("ANALYZE").await.unwrap();
    let mut chance = Chance::of(seed ^ 0xABCD);
    let mut known = Segments::default();
    LISTS.into_iter().for_each(|id| known.insert(id, Body::Static, 0));
    let mut ids: Vec<i64> = LISTS.iter().map(|id| id.0).collect();
    for id in 11..=14 {
        let source = filter(&mut chance, 2, &ids);
        known.insert(SegmentId(id), Body::Dynamic(Filter::parse(&source, "filter").unwrap()), 0);
        ids.push(id);
    }
    let database = base.db();
    let mut connection = database.get().await.unwrap();
    let (mut some, mut all) = (0, 0);
    for number in 0..TREES {
        let source = filter(&mut chance, 3, &ids);
        let parsed = Filter::parse(&source, "filter").unwrap_or_else(|error| panic!("seed {seed}: {source}: {error}"));
        let chosen = Selection::filtered(parsed.clone());
        let root = &parsed.root;
        let expected = judged(&people, root.subject(), |person, policy| {
            evaluate(root, day(), &known, person, policy.map(|index| &person.policies[index]))
        });
        let listed = segments::listed(&mut connection, Reach::All, &chosen, &known, day(), (0, 1_000)).await;
        let told = format!("seed {seed}, tree {number}: {source}");
        assert_eq!(listed.unwrap_or_else(|error| panic!("{told}: {error:?}")), expected, "{told}");
        let mut customers: Vec<i64> = expected.iter().map(|row| row.customer_id).collect();
        customers.dedup();
        let counted = segments::count(&mut connection, Reach::All, &chosen, &known, day()).await.unwrap().unwrap();
        if counted.exact {
            assert_eq!(counted.count, i64::try_from(customers.len()).unwrap(), "{told}");
        }
        // nearly every customer is drawn when there are so few, and some more than once
        let drawn = segments::estimate(&mut connection, Reach::All, &chosen, &known, day()).await.unwrap();
        let near = |drawn: segments::Counted| (drawn.count - i64::try_from(customers.len()).unwrap()).abs() <= 3;
        assert!(drawn.is_none_or(near), "{told}: {drawn:?}, not {}", customers.len());
        some += usize::from(!expected.is_empty());
        all += usize::from(customers.len() == people.len());
        let person = chance.one(&people);
        explained(&mut connection, &chosen, &parsed, &known, &person, &told).await;
    }
    // trees that mean nobody, or everybody, say little
    assert!(some > 40 && all < 40, "seed {seed}: {some} trees mean somebody, {all} everybody");
    sets(&mut connection, seed, &people, &known, &mut chance).await;
}

async fn explained(
    connection: &mut schema::AsyncPgConnection,
    chosen: &Selection,
    filter: &Filter,
    known: &Segments,
    person: &Person,
    told: &str,
) {
    let rows = segments::explain(connection, Reach::All, person.id, None, chosen, Some(filter), known, day());
    let rows = rows.await.unwrap_or_else(|error| panic!("{told}: {error:?}"));
    assert!(!rows.is_empty(), "{told}");
    for row in rows {
        let held = row.policy_id.and_then(|id| person.policies.iter().find(|held| held.id.0 == id));
        assert_eq!(row.holds, evaluate(&filter.root, day(), known, person, held), "{told}, {:?}", person.id);
        let conditions = filter.conditions();
        let expected: Vec<bool> = conditions
            .iter()
            .map(|(_, condition)| evaluate(&Node::Is((*condition).clone()), day(), known, person, held))
            .collect();
        assert_eq!(row.results, expected, "{told}, {:?}", person.id);
        assert!(findings(filter, &row.results).iter().all(|finding| finding.condition.is_object()), "{told}");
    }
}

/// Segments put together, and together with recipients.
async fn sets(
    connection: &mut schema::AsyncPgConnection,
    seed: u64,
    people: &[Person],
    known: &Segments,
    chance: &mut Chance,
) {
    for kind in ["union", "intersect", "minus"] {
        for _ in 0..8 {
            let mut ids: Vec<i64> = (0..2 + chance.below(2)).map(|_| chance.one(&[1, 2, 11, 12, 13, 14])).collect();
            ids.dedup();
            if ids.len() < 2 {
                continue;
            }
            let names: Vec<String> = ids.iter().map(|id| format!("segment-{id}")).collect();
            let mut source = json!({"segments": {kind: names}});
            if chance.percent(30) {
                source["recipients"] = json!(["customer-1", "customer-2", "policy-7", "policy-30"]);
            }
            let chosen = selection(&source);
            let listed = segments::listed(connection, Reach::All, &chosen, known, day(), (0, 1_000)).await.unwrap();
            let told = format!("seed {seed}: {source}");
            let mut expected = judged(people, Subject::Case, |person, policy| {
                policy.is_some_and(|index| is_selected(&chosen, day(), known, person, &person.policies[index]))
            });
            let mut found: Vec<Listed> = listed.clone();
            if chosen.subject(known) == Subject::Customer {
                expected.iter_mut().for_each(|row| row.policy_id = None);
                expected.dedup();
            }
            // of customers without a policy there is nothing to address
            let without = |id: i64| people.iter().any(|person| person.id.0 == id && person.policies.is_empty());
            found.retain(|row| !without(row.customer_id));
            assert_eq!(found, expected, "{told}");
            if kind == "minus" {
                let others = &ids[1..];
                for row in &listed {
                    let person = people.iter().find(|person| person.id.0 == row.customer_id).unwrap();
                    assert!(others.iter().all(|id| !is_member(SegmentId(*id), day(), known, person)), "{told}");
                }
            }
        }
    }
}

#[tokio::test]
async fn the_database_and_the_rules_agree_1() {
    agree(1).await;
}

#[tokio::test]
async fn the_database_and_the_rules_agree_2() {
    agree(20_261_122).await;
}

#[tokio::test]
async fn the_database_and_the_rules_agree_3() {
    agree(77).await;
}

#[tokio::test]
async fn the_database_and_the_rules_agree_4() {
    agree(4_242).await;
}
