//! Facts that stand in several files say the same in each of them.

use std::{fs, path::Path};

use worker::rules::models;

use crate::process::run;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

#[test]
fn one_model_is_the_default_wherever_it_is_named() {
    let name = models::DEFAULT;
    for (path, says) in [
        ("README.md", format!("The model is `{name}` where `GPT_MODEL` is not set.")),
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
}
