//! A document and its Japanese translation have the same headings, commands, links and prices.

use std::collections::BTreeSet;

use super::files::read;

/// Documents and their translations.
const TRANSLATED: [(&str, &str); 2] =
    [("README.md", "README.ja.md"), ("docs/privacy.md", "docs/privacy.ja.md")];

/// Compares what `of` finds in each document with what it finds in its translation.
fn compare<T: PartialEq + std::fmt::Debug>(of: impl Fn(&str) -> T) {
    for (original, translation) in TRANSLATED {
        let (expected, found) = (of(&read(original)), of(&read(translation)));
        assert_eq!(found, expected, "{translation} (left) is not as {original} (right)");
    }
}

#[test]
fn a_translation_has_the_same_headings() {
    compare(|text| {
        let outside = text.split("```").step_by(2).flat_map(str::lines);
        let levels = outside.filter(|line| line.starts_with('#'));
        levels.map(|line| line.chars().take_while(|&c| c == '#').count()).collect::<Vec<_>>()
    });
}

#[test]
fn a_translation_has_the_same_commands() {
    compare(|text| {
        let blocks = text.split("```").skip(1).step_by(2).flat_map(str::lines);
        let commands = blocks.map(|line| line.split("  #").next().unwrap_or(line).trim_end().to_owned());
        commands.collect::<Vec<_>>()
    });
    let of_readme = read("README.md");
    for command in ["cargo dev", "tests/all"] {
        assert!(of_readme.contains(&format!("\n```sh\n{command}\n```\n")), "{command}");
    }
}

#[test]
fn a_translation_names_the_same_commands_settings_and_files_in_its_text() {
    compare(|text| {
        let outside = text.split("```").step_by(2).flat_map(str::lines);
        let quoted = outside.flat_map(|line| line.split('`').skip(1).step_by(2));
        quoted.map(str::to_owned).collect::<BTreeSet<_>>()
    });
}

#[test]
fn a_translation_has_the_same_links() {
    compare(|text| {
        let targets = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
        targets.map(|target| target.replace(".ja.md", ".md")).collect::<BTreeSet<_>>()
    });
}

#[test]
fn a_translation_has_the_same_prices_in_as_many_rows() {
    compare(|text| {
        let mut prices: Vec<_> = text.split(['¥', '$']).skip(1).map(number).collect();
        prices.sort();
        let rows = text.lines().filter(|line| line.starts_with('|')).count();
        (prices, rows)
    });
}

/// Returns the number at the beginning of a text.
fn number(text: &str) -> String {
    let end = text.find(|c: char| !c.is_ascii_digit() && !",.".contains(c)).unwrap_or(text.len());
    text[..end].trim_end_matches([',', '.']).to_owned()
}
