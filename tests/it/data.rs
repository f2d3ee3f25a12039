//! The data directory: who else can write it, the fate of its lock, and the treatment of a damaged database.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use ingress::queue::JobQueue;
use local::{
    serve::{DATABASE, DataDir},
    sqlite::{Database, queue::SqliteQueue},
};
use shared::job::{ConversationId, Job, JobKind};
use tempfile::TempDir;
use worker::clock::wall_clock;

use crate::harness::{
    local::variables,
    log_lines::{Kind, lines_of},
    process::{Serve, henji},
};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_lock_is_its_owners_alone_keeps_what_is_in_it_and_follows_no_link() {
    let data = TempDir::new().unwrap();
    let lock = data.path().join("henji.lock");
    assert_eq!(opened(data.path()).err(), None);
    assert_eq!(fs::metadata(&lock).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(&lock, "kept").unwrap();
    assert_eq!(opened(data.path()).err(), None);
    assert_eq!(fs::read_to_string(&lock).unwrap(), "kept");
    for target in ["precious", "not there"] {
        let target = data.path().join(target);
        fs::write(data.path().join("precious"), "words").unwrap();
        fs::remove_file(&lock).unwrap();
        symlink(&target, &lock).unwrap();
        let error = opened(data.path()).err().unwrap();
        assert!(error.contains("henji.lock cannot be written"), "{error}");
        assert_eq!(fs::read_to_string(data.path().join("precious")).unwrap(), "words");
        assert!(!data.path().join("not there").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_can_write_is_warned_about() {
    let folder = TempDir::new().unwrap();
    let (data, file) = (folder.path().join("data"), folder.path().join(".env"));
    let nobody = variables("http://127.0.0.1:1", "http://127.0.0.1:1");
    fs::write(&file, "LOCALE=en\n").unwrap();
    assert_eq!(opened(&data).err(), None);
    let database = data.join(DATABASE);
    for (mode, directory_mode, warned) in
        [(0o600, 0o700, &[][..]), (0o664, 0o770, &[".env", "data", "henji.db"]), (0o602, 0o702, &[".env"])]
    {
        set_mode(&file, mode);
        set_mode(&database, mode);
        set_mode(&data, directory_mode);
        let serve = Serve::start(&data, &nobody).await;
        let log = serve.log();
        assert_eq!(serve.terminate(), 0);
        let _ = fs::remove_file(data.with_extension("log"));
        let warnings = lines_of(&log, Kind::NotPrivate);
        assert_eq!(warnings.len(), if warned.is_empty() { 0 } else { 3 }, "{log}");
        for path in warned {
            assert!(log.contains(&format!("{path} (mode ")), "{log}");
        }
    }
    let said = std::process::Command::new(henji())
        .args(["usage", "--data", "data"])
        .env_clear()
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&said.stderr).contains("others than its owner can write .env (mode 0602)")
    );
    assert!(said.status.success());
}

/// Opens a directory that no other process has: a process that another story starts may hold its lock until it runs.
fn opened(folder: &Path) -> Result<DataDir, String> {
    loop {
        match DataDir::open(folder) {
            Err(error) if error.to_string().contains("another henji") => std::thread::yield_now(),
            opened => return opened.map_err(|error| format!("{error:#}")),
        }
    }
}

/// Makes a database with some hundred pages, all in its file.
async fn filled(folder: &Path, user: &str, question: &str) -> PathBuf {
    drop(opened(folder));
    let path = folder.join(DATABASE);
    let job = |n| {
        let event = format!("{user}-{n}").try_into().unwrap();
        Job::new(
            event,
            ConversationId::of_known_id(format!("{user}{}", n % 7)).unwrap(),
            JobKind::question(question, None),
        )
    };
    let queue = SqliteQueue::new(Database::open(&path).unwrap(), wall_clock());
    queue.send(&(0..600).map(job).collect::<Vec<_>>()).await.unwrap();
    drop(queue);
    let _ = fs::remove_file(folder.join("henji.lock"));
    settled(&path);
    path
}

/// Writes the log into the file and empties it.
fn settled(path: &Path) {
    let db = rusqlite::Connection::open(path).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

/// Returns all files of a directory except the lock and the index of the log, which holds no data.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let told =
        paths.filter(|path| !path.ends_with("henji.lock") && !path.to_string_lossy().ends_with("-shm"));
    let mut files: Vec<_> = told.map(|path| (path.clone(), fs::read(&path).unwrap())).collect();
    files.retain(|(_, bytes)| !bytes.is_empty());
    files.sort();
    files
}

const PAGE: usize = 4096;

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_refused_at_the_start_with_the_way_to_restore_and_left_as_it_is() {
    let (whole, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let good = fs::read(filled(whole.path(), "U-a", &"a question".repeat(100)).await).unwrap();
    // The other database has a log that was not written into its file yet.
    let other_path = filled(other.path(), "U-other", &"another".repeat(200)).await;
    let writing = rusqlite::Connection::open(&other_path).unwrap();
    writing.execute_batch("PRAGMA wal_autocheckpoint = 0; DELETE FROM jobs WHERE seq % 3 = 0").unwrap();
    let log = fs::read(other_path.with_extension("db-wal")).unwrap();
    // The database of another program has such a log, too.
    let foreign_path = other.path().join("foreign.db");
    let foreign = rusqlite::Connection::open(&foreign_path).unwrap();
    foreign.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE a (b); INSERT INTO a VALUES (1)").unwrap();
    let foreign_log = fs::read(other.path().join("foreign.db-wal")).unwrap();
    foreign.execute_batch("PRAGMA wal_checkpoint").unwrap();
    let pages = good.len() / PAGE;
    assert!(pages > 100 && !log.is_empty());
    let changed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        bytes
    };
    let mut damaged = vec![
        ("its header", changed(&|bytes| bytes[..100].fill(b'x')), None),
        ("its end is missing", changed(&|bytes| bytes.truncate(pages / 2 * PAGE)), None),
        ("its last page is missing", changed(&|bytes| bytes.truncate((pages - 1) * PAGE)), None),
        ("zeros", changed(&|bytes| bytes.fill(0)), None),
        ("a text", b"these are no tables ".repeat(500), None),
        ("empty beside its log", vec![], Some(&log)),
        ("the log of another", good.clone(), Some(&log)),
        ("another program's", fs::read(&foreign_path).unwrap(), None),
        ("another program's log", good.clone(), Some(&foreign_log)),
    ];
    let middle = [pages / 4, pages / 2, pages - 2];
    let zeroed = middle.map(|n| changed(&|bytes| bytes[n * PAGE..][..PAGE].fill(0)));
    damaged.extend(zeroed.map(|bytes| ("a page of zeros", bytes, None)));
    for (what, bytes, log) in damaged {
        let data = TempDir::new().unwrap();
        let path = data.path().join(DATABASE);
        fs::write(&path, bytes).unwrap();
        if let Some(log) = log {
            fs::write(path.with_extension("db-wal"), log).unwrap();
        }
        let before = files(data.path());
        for _ in 0..2 {
            let Err(error) = opened(data.path()) else { panic!("{what}: it is opened") };
            assert!(error.contains(&*path.to_string_lossy()), "{what}: {error}");
            assert!(
                error.contains("it is damaged (") && error.contains("docs/operations.md"),
                "{what}: {error}"
            );
            assert!(error.lines().count() <= 2, "{what}: {error}");
            assert!(files(data.path()) == before, "{what}: it was changed");
        }
        // A backup in its place, without the log of the old one, is enough.
        fs::write(&path, &good).unwrap();
        for beside in ["db-wal", "db-shm"] {
            let _ = fs::remove_file(path.with_extension(beside));
        }
        assert_eq!(opened(data.path()).err(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_says_that_the_database_is_damaged() {
    let data = TempDir::new().unwrap();
    let path = filled(data.path(), "U-a", "a question").await;
    let good = fs::read(&path).unwrap();
    let shown = data.path().to_str().unwrap();
    for bytes in [vec![b'x'; 10_000], good[..PAGE].to_vec()] {
        fs::write(&path, &bytes).unwrap();
        for command in
            [&["serve"][..], &["dev"], &["dlq", "list"], &["usage"], &["forget", "U1", "--yes"], &["doctor"]]
        {
            let said = std::process::Command::new(henji())
                .args(command)
                .args(["--data", shown])
                .env_clear()
                .envs(variables("http://127.0.0.1:1", "http://127.0.0.1:1"))
                .output()
                .unwrap();
            let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
            assert_eq!(said.status.code(), Some(1), "{command:?}: {out}{err}");
            assert!(format!("{out}{err}").contains("it is damaged"), "{command:?}: {out}{err}");
            assert_eq!(fs::read(&path).unwrap(), bytes, "{command:?}");
        }
    }
}
