//! Facts in several files agree with each other.

use std::{fs, path::Path};

use worker::rules::models;

use self::files::read;
use crate::harness::process::run;

mod contract;
mod costs;
mod files;
mod translations;
mod variables;

#[test]
fn one_model_is_the_default_wherever_it_is_named() {
    let name = models::DEFAULT;
    for (path, says) in [
        ("README.md", format!("The model is `{name}` where `GPT_MODEL` is not set.")),
        ("README.ja.md", format!("`GPT_MODEL` を設定しなければ、モデルは `{name}` です。")),
        (".env.example", format!("# {name} where it is not set.")),
        (".env.example", format!("\nGPT_MODEL={name}\n")),
        ("cdk/lib/environments.ts", format!("\n  model: '{name}',\n")),
    ] {
        assert!(read(path).contains(&says), "{path} does not say: {says}");
    }
}

#[test]
fn the_version_is_the_one_of_the_changelog() {
    let said = String::from_utf8(run(&["--version"]).stdout).unwrap();
    let version = said.trim().strip_prefix("henji ").unwrap().split(' ').next().unwrap();
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    assert!(read("CHANGELOG.md").contains(&format!("\n## {version}")), "{version}");
    let rust = env!("CARGO_PKG_RUST_VERSION");
    assert!(
        read("README.md").contains(&format!("\nVersion {version} · Rust {rust} or newer · ")),
        "{version}"
    );
    assert!(
        read("README.ja.md").contains(&format!("\nバージョン {version} · Rust {rust} 以降 · ")),
        "{version}"
    );
}

/// The most lines of ARCHITECTURE.md.
const ARCHITECTURE_LINES: usize = 150;
/// The most lines of all files of its tour together.
const TOUR_LINES: usize = 800;
/// The kinds of files that documents name.
const KINDS: [&str; 8] = ["rs", "ts", "sql", "mjs", "py", "md", "toml", "txt"];

#[test]
fn the_architecture_is_short() {
    let lines = read("ARCHITECTURE.md").lines().count();
    assert!(lines <= ARCHITECTURE_LINES, "{lines} lines");
}

#[test]
fn the_tour_of_the_architecture_takes_five_minutes() {
    let architecture = read("ARCHITECTURE.md");
    let (_, tour) = architecture.split_once("\n## A tour of five minutes\n").unwrap();
    let (tour, _) = tour.split_once("\n## ").unwrap();
    let file = |line: &str| {
        let (_, named) = line.trim_start_matches(|c: char| c.is_ascii_digit()).split_once(". `")?;
        Some(named.split_once('`')?.0.to_owned())
    };
    let files: Vec<String> =
        tour.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).filter_map(file).collect();
    assert_eq!(files.len(), 5, "{files:?}");
    let lines: usize = files.iter().map(|file| read(file).lines().count()).sum();
    assert!(lines <= TOUR_LINES, "{lines} lines: {files:?}");
}

#[test]
fn the_glossary_has_one_sentence_for_each_word() {
    let glossary = read("docs/glossary.md");
    let entries: Vec<_> = glossary.split("\n- ").skip(1).map(|it| it.split("\n\n").next().unwrap()).collect();
    assert!(entries.len() > 70, "{} entries", entries.len());
    for entry in entries {
        let entry = entry.split_whitespace().collect::<Vec<_>>().join(" ");
        let is_one = entry.ends_with('.') && !entry.contains(". ");
        assert!(is_one && entry.contains("**"), "{entry}");
    }
}

#[test]
fn every_file_that_a_document_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = vec![];
    collect(&root, &root, &mut files);
    let documents = files.iter().filter(|it| it.starts_with("docs/") && kind(it) == Some("md"));
    let at_root = ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "README.ja.md"];
    let documents: Vec<&str> = at_root.into_iter().chain(documents.map(String::as_str)).collect();
    assert!(documents.contains(&"docs/glossary.md"), "{documents:?}");
    let mut missing = vec![];
    for document in documents {
        let text = read(document);
        let folder = Path::new(document).parent().unwrap();
        for target in links(&text) {
            if !root.join(folder).join(target).exists() {
                missing.push(format!("{document}: {target}"));
            }
        }
        for name in names(&text) {
            let is_file = |file: &String| file == name || file.ends_with(&format!("/{name}"));
            if !files.iter().any(is_file) && !root.join(name).exists() {
                missing.push(format!("{document}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Collects the files of the repository, by their paths below its root.
fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if name.starts_with('.') || ["target", "node_modules"].contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            files.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
}

/// Returns the targets of a document's links within the repository.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    targets.map(|it| it.split('#').next().unwrap_or(it)).filter(|it| !it.is_empty() && !it.contains("://"))
}

/// Returns the files and folders that a document names: paths from the root of the repository, and texts between
/// backticks that look like names of our files.
fn names(text: &str) -> impl Iterator<Item = &str> {
    const FOLDERS: [&str; 7] = ["cdk/", "cli/", "docs/", "ingress/", "shared/", "tests/", "worker/"];
    let is_plain = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    let words = text.split(|c: char| c.is_whitespace() || "`()[],;:\"'".contains(c));
    let paths = words
        .map(|word| word.trim_end_matches(['.', '*']))
        .filter(|it| FOLDERS.iter().any(|f| it.starts_with(f)));
    let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let quoted = quoted.filter(|it| kind(it).is_some_and(|kind| KINDS.contains(&kind)));
    paths.chain(quoted).filter(is_plain)
}

/// Returns the kind of a file, by the end of its name.
fn kind(name: &str) -> Option<&str> {
    Some(name.rsplit_once('.')?.1)
}
