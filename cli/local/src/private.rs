//! Files that hold secrets or people's words. Only their owner may write them.

use std::{
    fs::{File, OpenOptions, metadata},
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use shared::event::log;

/// The permission bits for writing by the group and by all others.
const OTHERS_WRITE: u32 = 0o022;

/// Opens the file that locks a directory, or creates it. Its content stays. A symbolic link is refused, because it
/// leads to a file that somebody else chose. A pipe is not waited for.
pub fn lock_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    options.open(path)
}

/// Returns a warning if others than its owner can write this file or folder. Anyone who can write it controls what the
/// bot says, and to whom.
pub fn writable_by_others(path: &Path) -> Option<String> {
    let mode = metadata(path).ok()?.permissions().mode();
    let path = path.display();
    (mode & OTHERS_WRITE != 0).then(|| {
        let mode = mode & 0o7777;
        format!("others than its owner can write {path} (mode {mode:04o}): chmod go-w {path}")
    })
}

/// Logs a warning for each of these paths that others can write.
pub fn warn_if_writable_by_others(paths: &[&Path]) {
    for warning in paths.iter().filter_map(|path| writable_by_others(path)) {
        log!(warn, NotPrivate, "{warning}");
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::fs::{Permissions, set_permissions};

    use super::*;

    #[test]
    fn what_others_can_write_is_warned_about() {
        let path = std::env::temp_dir().join(format!("henji-private-{}", std::process::id()));
        std::fs::write(&path, "").unwrap();
        for (mode, is_warned) in [(0o600, false), (0o644, false), (0o664, true), (0o602, true), (0o666, true)]
        {
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(writable_by_others(&path).is_some(), is_warned, "{mode:o}");
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(writable_by_others(&path), None);
    }
}
