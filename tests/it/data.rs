//! The data directory: who else can write it, and what becomes of its lock.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use cli::serve::{DATABASE, DataDir};
use tempfile::TempDir;

use crate::{
    bot::variables,
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
        let warnings = log.lines().filter(|line| line.contains("others than its owner can write"));
        assert_eq!(warnings.count(), if warned.is_empty() { 0 } else { 3 }, "{log}");
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

/// Opens a directory that no other process has: one that another story starts holds its lock until it runs.
fn opened(folder: &Path) -> Result<DataDir, String> {
    loop {
        match DataDir::open(folder) {
            Err(error) if error.to_string().contains("another henji") => std::thread::yield_now(),
            opened => return opened.map_err(|error| format!("{error:#}")),
        }
    }
}
