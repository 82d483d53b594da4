//! The log: everything that is decided, tried and answered is in it, and whoever changes it is found out.

use crate::support::life::by_other_hands;
use crate::support::{Crieur, Place};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

const RULE: &str =
    "endpoints: { essai: { network: journal, gap: 0s } }\nrules: [{ name: une, endpoints: [essai] }]\nbaseline: none";

/// A site of which two articles went out.
fn lived() -> (Place, Crieur) {
    let place = Place::new();
    place.article("_actualites/a.md", "title: Une\ndate: 2026-11-20 09:00:00 +01:00");
    place.article("_actualites/b.md", "title: Deux\ndate: 2026-11-21 09:00:00 +01:00");
    let crieur = place.crieur(RULE);
    crieur.ok(&["run", "--once"]);
    (place, crieur)
}

fn export(crieur: &Crieur) -> Vec<Value> {
    crieur.json(&["log", "export", "--json"]).as_array().unwrap().clone()
}

/// What `log verify` says of a change by other hands, which is undone again.
async fn changed_by_other_hands(place: &Place, crieur: &Crieur, change: &str, says: &str) {
    let kept = std::fs::read(place.path("crieur.db")).unwrap();
    by_other_hands(&place.path("crieur.db"), change).await;
    let said = faults(crieur, &[]);
    assert!(said.contains(says), "{change}: {said}");
    for beside in ["crieur.db-wal", "crieur.db-shm"] {
        let _ = std::fs::remove_file(place.path(beside));
    }
    std::fs::write(place.path("crieur.db"), kept).unwrap();
}

fn faults(crieur: &Crieur, more: &[&str]) -> String {
    let output = crieur.run(&[&["log", "verify"], more].concat());
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

const FREE: &str = "drop trigger log_stays_1; drop trigger log_stays_2;";

#[test]
fn a_delivery_is_told_from_its_booking_to_its_receipt() {
    let (_place, crieur) = lived();
    let entries = export(&crieur);
    let of_first: Vec<&Value> = entries.iter().filter(|entry| entry["delivery"] == 1).collect();
    let kinds: Vec<&str> = of_first.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["booked", "attempt", "changed", "answer"]);
    assert_eq!(of_first[0]["body"]["path"], "_actualites/a.md");
    assert!(of_first[1]["body"]["post"]["text"].as_str().unwrap().contains("Une"));
    assert_eq!(of_first[2]["body"]["state"], "published");
    assert_eq!(of_first[3]["body"]["outcome"], "published");
    let decided = entries.iter().filter(|entry| entry["kind"] == "decided").count();
    assert_eq!(decided, 2);
    assert!(entries.iter().any(|entry| entry["kind"] == "first start"));
    assert!(entries.iter().all(|entry| entry["seal"].as_str().unwrap().len() == 64));
    let said = crieur.ok(&["log", "verify"]);
    assert!(said.starts_with(&format!("{} entries, whole; the last: {}:", entries.len(), entries.len())), "{said}");
    let csv = crieur.ok(&["log", "export", "--csv"]);
    assert_eq!(csv.lines().count(), entries.len() + 1);
    assert_eq!(crieur.ok(&["log", "export", "--since", "2999-01-01"]), "\n".trim_start());
}

#[test]
fn a_persons_word_is_told_too() {
    let place = Place::new();
    place.article("_actualites/a.md", "title: Une\ndate: 2026-11-20 09:00:00 +01:00");
    let crieur = place.crieur(&RULE.replace("endpoints: [essai]", "endpoints: [essai], approval: { required: 1 }"));
    // Held posts need a person: that is no success.
    crieur.run(&["run", "--once"]);
    crieur.ok(&["posts", "cancel", "1", "--as", "Aya"]);
    let entries: Vec<Value> = export(&crieur).into_iter().filter(|entry| entry["delivery"] == 1).collect();
    let [booked, cancelled, act] = entries.last_chunk().unwrap();
    assert_eq!((&booked["body"]["state"], &cancelled["body"]["state"]), (&json!("held"), &json!("cancelled")));
    let who = ["person", "road", "act"].map(|name| act["body"][name].as_str().unwrap());
    assert_eq!((act["kind"].as_str(), who), (Some("act"), ["Aya", "command", "cancel"]));
    crieur.ok(&["log", "verify"]);
}

#[tokio::test]
async fn nothing_in_it_can_be_changed_unseen() {
    let (place, crieur) = lived();
    for statement in ["update log set body = '{}' where number = 2", "delete from log where number = 2"] {
        let options = SqliteConnectOptions::new().filename(place.path("crieur.db"));
        let pool = SqlitePool::connect_with(options).await.unwrap();
        let refused = sqlx::raw_sql(statement).execute(&pool).await.unwrap_err().to_string();
        assert!(refused.contains("only ever added to"), "{refused}");
        pool.close().await;
    }
    let noted = crieur.ok(&["log", "verify"]).trim().rsplit(' ').next().unwrap().to_owned();
    crieur.ok(&["log", "verify", "--noted", &noted]);
    by_other_hands(&place.path("crieur.db"), FREE).await;
    for (change, says) in [
        ("update log set body = replace(body, 'essai', 'assai') where number = 2", "entry 2 is not as it was written"),
        ("update log set at = at + 1 where number = 3", "entry 3 is not as it was written"),
        ("update log set kind = 'Booked' where number = 1", "entry 1 is not as it was written"),
        ("update log set delivery = 7 where number = 4", "entry 4 is not as it was written"),
        ("update log set seal = '00' || substr(seal, 3) where number = 3", "entry 3 is not as it was written"),
        ("delete from log where number = 3", "entries 3 to 3 are missing"),
        ("delete from log where number > 6", "the log's last word on it is"),
        (
            "update deliveries set state = 'cancelled' where id = 1; delete from log where number = (select max(number) from log)",
            "is cancelled",
        ),
    ] {
        changed_by_other_hands(&place, &crieur, change, says).await;
    }
    crieur.ok(&["log", "verify", "--noted", &noted]);
    // Whoever writes the whole chain anew is found out by a seal that somebody noted.
    let other = if noted.ends_with('0') { '1' } else { '0' };
    let said = faults(&crieur, &["--noted", &format!("{}{other}", &noted[..noted.len() - 1])]);
    assert!(said.contains("does not bear the seal that was noted"), "{said}");
}

#[tokio::test]
async fn what_the_tables_say_otherwise_than_the_log_is_told() {
    let place = Place::new();
    place.article("_actualites/a.md", "title: Une\ndate: 2026-11-20 09:00:00 +01:00");
    place.article("_actualites/b.md", "title: Deux\ndate: 2026-11-21 09:00:00 +01:00");
    let crieur = place.crieur(
        "endpoints: { essai: { network: journal, gap: 0s } }\nrules: [{ name: une, endpoints: [essai], approval: { required: 1 }, expires: 900d, fresh: 900d }]\nbaseline: none",
    );
    // Held posts need a person: that is no success.
    crieur.run(&["run", "--once"]);
    crieur.ok(&["posts", "approve", "1", "--as", "Aya"]);
    crieur.run(&["run", "--once"]);
    crieur.ok(&["log", "verify"]);
    let silent = ["stays_1", "stays_2", "changed", "attempt", "answer", "approval", "approval_voided"];
    let silent: String = silent.iter().map(|name| format!("drop trigger log_{name};")).collect();
    by_other_hands(&place.path("crieur.db"), &silent).await;
    for (change, says) in [
        ("update deliveries set due_at = due_at + 1000000 where id = 2", "delivery 2: due_at is 2026-"),
        (
            "update deliveries set override = 'Autre' where id = 2",
            "delivery 2: text given by hand is “Autre”, and the log says nothing",
        ),
        (
            "update deliveries set remote_url = 'https://ailleurs.example/1' where id = 1",
            "delivery 1: remote_url is “https://ailleurs.example/1”, and the log says “/timeline",
        ),
        (
            "update deliveries set post = json_set(post, '$.text', 'Autre chose') where id = 1",
            "delivery 1: post is “Autre chose”, and the log says another post",
        ),
        ("update deliveries set remote_id = '7' where id = 1", "delivery 1: remote_id is “7”, and the log says “"),
        ("update deliveries set rule = 'deux' where id = 2", "delivery 2: rule is “deux”, and the log says “une”"),
        ("pragma foreign_keys = off; update attempts set delivery = 7 where delivery = 1", "attempt 1, begun 2026-"),
        ("pragma foreign_keys = off; update approvals set delivery = 7", "approval by Aya, 2026-"),
        ("update deliveries set post = null where id = 1", "delivery 1: post is nothing"),
        ("update deliveries set attempts = 7 where id = 1", "delivery 1: number of attempts is 7, and the log says 1"),
        ("update attempts set detail = 'x' where delivery = 1", "delivery 1: attempt 1 is begun"),
        ("update attempts set started_at = started_at - 1 where delivery = 1", "delivery 1: attempt 1 is begun"),
        ("delete from attempts where delivery = 1", "delivery 1: attempt 1 is not there"),
        (
            "insert into attempts (delivery, number, lease_token, started_at) values (2, 1, 1, 5)",
            "delivery 2: attempt 1 is begun 1970-01-01T00:00:00.000005Z, without an end, and the log says not there",
        ),
        ("update approvals set person = 'Luc'", "delivery 1: approval is by Luc"),
        ("update approvals set voided_at = 5", "delivery 1: approval is by Aya"),
        ("delete from approvals", "delivery 1: approval is not there, and the log says by Aya"),
        (
            "insert into approvals (delivery, person, print, post, given_at) values (2, 'Luc', 'x', '{}', 5)",
            "delivery 2: approval is by Luc",
        ),
    ] {
        changed_by_other_hands(&place, &crieur, change, says).await;
    }
    crieur.ok(&["log", "verify"]);
}

#[tokio::test]
async fn a_post_that_other_hands_send_out_again_is_told_and_stays_told() {
    // Of what was published, and by the triggers as they are.
    let again = "update deliveries set state = 'sending', lease_until = 0 where id = 1";
    let waiting = "update deliveries set state = 'pending', look_first = 0 where id = 1";
    let called_off = "update deliveries set state = 'cancelled' where id = 1";
    let elsewhere = "update deliveries set endpoint = 'autre' where id = 1";
    for (change, at_once, later) in [
        (waiting, "delivery 1 was published, and other hands made it pending", "other hands made it pending"),
        (called_off, "delivery 1 was published, and other hands made it cancelled", "other hands made it cancelled"),
        (again, "delivery 1 is sending, and the log's last word on it is published", "delivery 1 was sending before"),
        (elsewhere, "delivery 1: endpoint is “autre”, and the log says “essai”", "delivery 1: endpoint is “autre”"),
    ] {
        let (place, crieur) = lived();
        crieur.ok(&["log", "verify"]);
        by_other_hands(&place.path("crieur.db"), change).await;
        let said = faults(&crieur, &[]);
        assert!(said.contains(at_once), "{change}: {said}");
        crieur.ok(&["run", "--once"]);
        let said = faults(&crieur, &[]);
        assert!(said.contains(later) && !said.contains("is sending"), "it was sent: {said}");
        let is_told = |entry: &Value| {
            let Value::Object(body) = &entry["body"] else { return false };
            (entry["kind"] == "key changed" && body["endpoint"] == "autre")
                || (entry["kind"] == "changed" && body["from"] == "published" && body["state"] != "published")
        };
        assert!(export(&crieur).iter().any(is_told), "{change}");
    }
}

#[tokio::test]
async fn a_delivery_that_other_hands_took_out_is_told_and_stays_told() {
    let (place, crieur) = lived();
    let all = "delete from attempts where delivery = 1; delete from acts where delivery = 1; delete from deliveries where id = 1";
    by_other_hands(&place.path("crieur.db"), all).await;
    let says = "delivery 1 was published, and other hands took it out";
    let said = faults(&crieur, &[]);
    assert!(said.contains(says) && said.contains("(2 faults)"), "and the entry was not sealed by us: {said}");
    // It is decided: nothing is booked anew.
    crieur.ok(&["run", "--once"]);
    crieur.ok(&["posts", "edit", "2", "--as", "Aya"]);
    let said = faults(&crieur, &[]);
    let noted = "other hands wrote what entries ";
    assert!(said.contains(says) && said.contains(noted) && said.contains("(2 faults)"), "{said}");
}

#[tokio::test]
async fn whatever_other_hands_write_is_told_and_stays_told() {
    let place = Place::new();
    place.article("_actualites/a.md", "title: Une\ndate: 2026-11-20 09:00:00 +01:00");
    place.article("_actualites/b.md", "title: Deux\ndate: 2026-11-21 09:00:00 +01:00");
    let crieur = place.crieur(
        "endpoints: { essai: { network: journal, gap: 0s } }\nrules: [{ name: une, endpoints: [essai], expires: 900d, fresh: 900d }]\nbaseline: none",
    );
    crieur.ok(&["silence", "on", "--reason", "essai", "--as", "Aya"]);
    crieur.ok(&["run", "--once"]);
    crieur.ok(&["silence", "off", "--as", "Aya"]);
    crieur.ok(&["posts", "hold", "1", "--as", "Aya"]);
    crieur.ok(&["publish-now", "b", "--as", "Aya"]);
    crieur.ok(&["log", "verify"]);
    let kept = std::fs::read(place.path("crieur.db")).unwrap();
    for change in [
        "update deliveries set state = 'pending' where id = 1",
        "update deliveries set override = 'Autre' where id = 1",
        "update deliveries set network = 'autre' where id = 1",
        "update deliveries set removal = 'due', removal_at = 0 where id = 2",
        "update deliveries set removal = 'done' where id = 2",
        "insert into acts (at, person, road, act, delivery) values (0, 'Bob', 'command', 'withdraw', 2)",
        "update articles set decided = null",
        "insert into log (kind, body) values ('act', '{}')",
    ] {
        by_other_hands(&place.path("crieur.db"), change).await;
        assert!(faults(&crieur, &[]).contains("has no seal: by other hands it was written"), "{change}");
        crieur.run(&["run", "--once"]);
        crieur.ok(&["silence", "on", "--reason", "essai", "--as", "Aya"]);
        let said = faults(&crieur, &[]);
        assert!(said.contains("other hands wrote what entries ") && said.contains("(1 fault)"), "{change}: {said}");
        for beside in ["crieur.db-wal", "crieur.db-shm"] {
            let _ = std::fs::remove_file(place.path(beside));
        }
        std::fs::write(place.path("crieur.db"), &kept).unwrap();
    }
}

#[tokio::test]
async fn a_delivery_in_whose_place_other_hands_put_another_is_told_and_stays_told() {
    let (place, crieur) = lived();
    let anew = "create temp table once as select * from deliveries where id = 1;
        update once set state = 'pending', remote_id = null, remote_url = null, look_first = 0;
        insert or replace into deliveries select * from once";
    by_other_hands(&place.path("crieur.db"), anew).await;
    crieur.run(&["run", "--once"]);
    let said = faults(&crieur, &[]);
    assert!(said.contains("delivery 1 was published, and other hands put another one in its place"), "{said}");
}

#[test]
fn what_is_booked_of_the_past_is_sealed_like_all_else() {
    let place = Place::new();
    place.article("_actualites/a.md", "title: Une\ndate: 2025-11-20 09:00:00 +01:00");
    let crieur = place.crieur(&RULE.replace("baseline: none", ""));
    crieur.ok(&["run", "--once"]);
    crieur.ok(&["backfill"]);
    crieur.ok(&["log", "verify"]);
}

#[test]
fn one_flipped_byte_in_the_file_names_its_entry() {
    let (place, crieur) = lived();
    let path = place.path("crieur.db");
    let bytes = std::fs::read(&path).unwrap();
    let needle = b"\"outcome\":\"published\"";
    let whole = export(&crieur);
    let mut found = 0;
    for at in (0..bytes.len() - needle.len()).filter(|at| bytes[*at..].starts_with(needle)) {
        for (offset, bit) in [(12, 1), (13, 0x80)] {
            let mut flipped = bytes.clone();
            flipped[at + offset] ^= bit;
            std::fs::write(&path, &flipped).unwrap();
            // The file also holds what rows were before they grew: that is no part of the database.
            if export(&crieur) != whole {
                found += 1;
                let said = faults(&crieur, &[]);
                assert!(said.contains("is not as it was written"), "{said}");
            }
        }
    }
    assert!(found >= 4, "both entries, both ways: {found}");
    std::fs::write(&path, &bytes).unwrap();
    crieur.ok(&["log", "verify"]);
}
