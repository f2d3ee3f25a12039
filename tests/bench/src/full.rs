//! The same turn with an empty and with a full database: a million turns of ten thousand other people.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use tokio::net::TcpStream;

use crate::{
    accept::{post, quantile_ms, request},
    serve::{Serve, program},
};

const PEOPLE: u32 = 10_000;
const TURNS_EACH: u32 = 100;
/// The number of turns that are measured in each database.
const MEASURED: usize = 300;
/// The user of the measured turns, who has past turns in both databases.
const USER: &str = "U4af4980629000000000000000000000a";

/// Measures and prints. The two databases take turns, so that other load on the machine affects both equally.
pub(crate) async fn measure(folder: &Path) {
    let paths = [folder.join("empty"), folder.join("full")];
    for (path, people) in paths.iter().zip([0, PEOPLE]) {
        std::fs::create_dir_all(path).expect("a folder");
        let file = path.join(local::serve::DATABASE);
        drop(local::sqlite::Database::open(&file).expect("a database"));
        fill(&file, people).expect("it can be filled");
    }
    let empty = Serve::start(program("henji"), &paths[0], Duration::ZERO, 100).await;
    let full = Serve::start(program("henji"), &paths[1], Duration::ZERO, 100).await;
    let (mut in_empty, mut in_full) = (vec![], vec![]);
    for _ in 0..MEASURED {
        in_empty.push(turn(&empty).await);
        in_full.push(turn(&full).await);
    }
    in_empty.sort();
    in_full.sort();
    println!("| turns in the database | webhook to push p50 | p99 |\n|---|---|---|");
    for (turns, taken) in [(TURNS_EACH, &in_empty), (TURNS_EACH * (PEOPLE + 1), &in_full)] {
        println!("| {turns} | {:.2} ms | {:.2} ms |", quantile_ms(taken, 0.5), quantile_ms(taken, 0.99));
    }
    let ratio = |q| quantile_ms(&in_full, q) / quantile_ms(&in_empty, q);
    println!("| times the empty one | {:.2} | {:.2} |", ratio(0.5), ratio(0.99));
}

/// Measures the time from the webhook to the push.
async fn turn(serve: &Serve) -> Duration {
    let mut sent = serve.line.watch();
    let before = sent.borrow().len();
    let mut connection = TcpStream::connect(serve.address).await.expect("henji listens");
    let request = request(USER);
    let began = Instant::now();
    post(&mut connection, &request).await;
    drop(sent.wait_for(|all| all.len() > before).await);
    began.elapsed()
}

/// Writes turns as `serve` stores them, of this user and of this number of other people.
fn fill(file: &Path, people: u32) -> rusqlite::Result<()> {
    let mut db = rusqlite::Connection::open(file)?;
    db.pragma_update(None, "synchronous", "off")?;
    db.pragma_update(None, "cache_size", -1_000_000)?;
    let filling = db.transaction()?;
    {
        let mut turn = filling.prepare(
            "INSERT INTO turns (event_id, attempts, stage, updated_at, conversation)
             VALUES (?1, 1, 2, ?2, ?3)",
        )?;
        let mut message = filling.prepare(
            "INSERT INTO messages (id, conversation, role, content, created_at, event_id, message_id)
             VALUES (?1, ?2, ?3, 'Hello, world. How are you today?', ?4, ?5, ?5)",
        )?;
        // The turns are of yesterday, and so the sweep does not delete them.
        let since = worker::clock::wall_clock()().as_second() - 86_400;
        for number in 0..(people + 1) * TURNS_EACH {
            let (who, nth) = (number % (people + 1), number / (people + 1));
            let user = if who == 0 { USER.to_owned() } else { format!("U{who}") };
            let event = id();
            turn.execute((&event, since * 1000, &user))?;
            for (role, micros) in [("user", 1), ("assistant", 2)] {
                let at = stamp(since + i64::from(nth), micros);
                message.execute((id(), &user, role, at, &event))?;
            }
        }
    }
    filling.commit()?;
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
}

fn id() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// Formats a time in RFC 3339 with microseconds, as rows have it.
fn stamp(second: i64, micros: i64) -> String {
    worker::rules::conversation::rfc3339(
        jiff::Timestamp::from_microsecond(second * 1_000_000 + micros).expect("a time"),
    )
}
