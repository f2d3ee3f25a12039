//! docs/contract.md names the variables of the code with their ranges, and no others.

use std::{collections::BTreeSet, fs, path::Path};

use super::files::{read, section};

/// The sources that read variables.
const SOURCES: [&str; 5] = ["shared/src", "ingress/src", "worker/src", "cli/src", "cli/local/src"];
/// The code before the literal name of a variable that is read.
const READERS: [&str; 11] = [
    "required(",
    "optional(",
    "parsed(",
    "number(",
    "base_url(",
    "required_url(",
    "secret(",
    "text_file(",
    "price(",
    "users(env,",
    // Some code reads a variable by a constant with its name.
    ": &str =",
];

#[test]
fn the_contract_names_each_variable_that_is_read() {
    let in_code: BTreeSet<_> =
        sources().iter().flat_map(|source| reads(source)).map(|(name, _)| name).collect();
    assert!(in_code.contains("GPT_MODEL") && in_code.contains("OPENAI_BASE_URL"), "{in_code:?}");
    let in_contract = variables();
    assert_eq!(in_contract, in_code, "the contract has the left ones, the code the right ones");
    let example = read(".env.example");
    let settings = example.lines().filter_map(|line| Some(line.trim_start_matches('#').split_once('=')?.0));
    for name in settings.filter(|name| is_name(name)) {
        assert!(in_contract.contains(name), "{name} of .env.example is not in the contract");
    }
}

#[test]
fn the_contract_says_the_range_and_the_default_of_each_number() {
    let contract = read("docs/contract.md").replace(',', "");
    let mut compared = 0;
    for (name, rest) in sources().iter().flat_map(|source| reads(source)) {
        let arguments: Vec<_> = rest.split(')').next().unwrap().split(',').map(str::trim).collect();
        let ["", default, min, max] = arguments[..] else { continue };
        let number = |text: &str| text.replace('_', "").parse::<u32>();
        let (Ok(min), Ok(max)) = (number(min), number(max)) else { continue };
        let range = format!("({min} to {max}) |");
        let says = number(default).map_or(range.clone(), |default| format!("| {default} {range}"));
        let row = contract.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap();
        assert!(row.contains(&says), "{row} does not say: {says}");
        compared += 1;
    }
    assert!(compared >= 10, "only {compared} numbers were found");
}

/// Returns the sources, without their tests.
fn sources() -> Vec<String> {
    let mut sources = vec![];
    for folder in SOURCES {
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder), &mut sources);
    }
    sources
}

fn collect(folder: &Path, sources: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            sources.push(text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned());
        }
    }
}

/// Returns the variables that a source reads, each with the text behind its name.
fn reads(source: &str) -> impl Iterator<Item = (String, &str)> {
    source.match_indices('"').filter_map(|(at, _)| {
        let (name, rest) = source[at + 1..].split_once('"')?;
        let before = source[..at].trim_end();
        let is_read = is_name(name) && READERS.iter().any(|reader| before.ends_with(reader));
        is_read.then(|| (name.to_owned(), rest))
    })
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// Returns the variables in the first cells of the contract's tables.
fn variables() -> BTreeSet<String> {
    let contract = read("docs/contract.md");
    let rows = section(&contract, "Variables").lines().filter(|line| line.starts_with("| `"));
    let names = rows.flat_map(|row| row.split(" | ").next().unwrap().split('`').skip(1).step_by(2));
    names.map(str::to_owned).collect()
}
