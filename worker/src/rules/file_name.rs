//! The names of the files that people send: what kind of file a name says, and how rows have it. Pure.

/// The ends of the names of text files.
const TEXTS: [&str; 89] = [
    "adoc",
    "asm",
    "bash",
    "bat",
    "bib",
    "c",
    "cc",
    "cfg",
    "clj",
    "cmake",
    "cmd",
    "conf",
    "cpp",
    "cs",
    "css",
    "csv",
    "cxx",
    "dart",
    "diff",
    "el",
    "erl",
    "ex",
    "exs",
    "fish",
    "go",
    "gradle",
    "graphql",
    "groovy",
    "h",
    "hpp",
    "hs",
    "htm",
    "html",
    "ics",
    "ini",
    "ipynb",
    "java",
    "jl",
    "js",
    "json",
    "jsonl",
    "jsx",
    "kt",
    "kts",
    "less",
    "lisp",
    "log",
    "lua",
    "m",
    "markdown",
    "md",
    "mjs",
    "ml",
    "org",
    "patch",
    "php",
    "pl",
    "pm",
    "properties",
    "proto",
    "ps1",
    "py",
    "r",
    "rb",
    "rs",
    "rst",
    "scala",
    "scss",
    "sh",
    "sql",
    "srt",
    "svelte",
    "svg",
    "swift",
    "tex",
    "tf",
    "toml",
    "ts",
    "tsv",
    "tsx",
    "txt",
    "vb",
    "vtt",
    "vue",
    "xml",
    "yaml",
    "yml",
    "zig",
    "zsh",
];

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// A text, which any model reads as words.
    Text,
    /// A PDF.
    Pdf,
    /// An image of a kind that models read.
    Image,
    /// A kind that the bot cannot give to a model.
    Other,
}

impl FileKind {
    /// Returns the kind by the end of the file's name. The content has to prove it.
    pub(crate) fn of(name: &str) -> Self {
        let end = name.rsplit_once('.').map_or("", |(_, end)| end.trim()).to_ascii_lowercase();
        match end.as_str() {
            "pdf" => Self::Pdf,
            "jpg" | "jpeg" | "png" | "webp" | "gif" => Self::Image,
            end if TEXTS.binary_search(&end).is_ok() => Self::Text,
            _ => Self::Other,
        }
    }
}

/// Returns a file's name as prompts and rows have it: on one line, without folders, control characters and direction
/// marks.
pub(crate) fn clean_name(name: &str) -> String {
    let is_mark = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let name = name.rsplit(['/', '\\']).find(|part| !part.trim().is_empty()).unwrap_or_default();
    let name: String =
        name.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_mark(*c)).collect();
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() { "unnamed".to_owned() } else { name }
}

/// The beginning and the end of the words in the row of a file. Its name is between them.
const WORDS: (&str, &str) = ("[file: ", "]");

/// Returns the words for the row of a file.
pub(crate) fn words_of_file(name: &str) -> String {
    [WORDS.0, name, WORDS.1].concat()
}

/// Returns the name of the file whose row has these words.
pub(crate) fn name_of_file(words: &str) -> &str {
    words.strip_prefix(WORDS.0).and_then(|name| name.strip_suffix(WORDS.1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_name_says_what_a_file_is() {
        assert!(TEXTS.is_sorted());
        for (name, kind) in [
            ("a.txt", FileKind::Text),
            ("経費 2026.CSV", FileKind::Text),
            ("main.rs", FileKind::Text),
            ("a.tar.json", FileKind::Text),
            ("a.pdf", FileKind::Pdf),
            ("A.PDF ", FileKind::Pdf),
            ("a.jpg", FileKind::Image),
            ("a.heic", FileKind::Other),
            ("a.docx", FileKind::Other),
            ("pdf", FileKind::Other),
            (".", FileKind::Other),
            ("", FileKind::Other),
        ] {
            assert_eq!(FileKind::of(name), kind, "{name}");
        }
    }

    #[test]
    fn a_name_is_one_line_that_turns_no_text_around() {
        for (name, clean) in [
            ("a.txt", "a.txt"),
            ("../../etc/passwd.txt", "passwd.txt"),
            ("C:\\Users\\a\\b.txt", "b.txt"),
            ("a\r\n\n]b\0.txt", "a ]b .txt"),
            ("a\u{202e}fdp.txt\u{2066}", "afdp.txt"),
            ("folder/", "folder"),
            (" / ", "unnamed"),
            ("", "unnamed"),
        ] {
            assert_eq!(clean_name(name), clean, "{name:?}");
        }
    }
}
