use proptest::prelude::*;

use super::*;

fn check(cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(plain(source).text, *expected, "{source}");
    }
}

fn stays(texts: &[&str]) {
    for text in texts {
        check(&[(text, text)]);
    }
}

#[test]
fn marks_of_emphasis_go_and_their_words_stay() {
    check(&[
        ("this is **very** *important*", "this is very important"),
        ("***both***, __strong words__, _soft_", "both, strong words, soft"),
        ("これは**重要**です", "これは重要です"),
        ("**「猫」**は**（とても）**かわいい。", "「猫」はかわいい。".replace("は", "は（とても）").as_str()),
        ("**注意：**ここから**2**つ", "注意：ここから2つ"),
        ("*🎉 やった！*", "🎉 やった！"),
        ("*重要*なこと、(*重要*なこと)", "重要なこと、(重要なこと)"),
        ("(*とても大切な*) (*soft*)", "(とても大切な) (soft)"),
        ("**Note**s", "Notes"),
        ("**「犬」 **「猫」**は", "**「犬」 「猫」は"),
        ("***「猫」***は", "***「猫」***は"),
        ("`**`、**「猫」**は", "**、「猫」は"),
        ("は`*x*`と(`;`)", "は*x*と(;)"),
        ("use `ls -l` and ``a`b``", "use ls -l and a`b"),
    ]);
}

#[test]
fn what_is_no_markdown_stays_to_the_letter() {
    stays(&[
        "2*3*4 = 24, 5*x + 3*y, 2**3**4",
        "snake_case_name and __init__ and _ and *",
        "^_^ hello ^_^, (-_-) … (-_-), m(__)m m(__)m, T_T, ¯\\_(ツ)_/¯",
        "(*´▽`*) わーい (*´▽`*)",
        "(*^^*) と (*'ω'*) と (*ω*) と *:.｡. o(≧▽≦)o .｡.:*",
        ">_<\nfoo",
        "#猫 #1 #hashtag",
        "2024. 5. 3 は金曜日",
        "1. 一つ\n2. 二つ\n   1. 中\n10) 十",
        "+1 です\n+ 3 点",
        "そうなんだ~~~\n~~~\n10~20 か 30~40",
        "~~1000円~~ 800円",
        "https://example.com/_a_/b_c_d/ and https://x.y/__init__.py",
        "> quoted\n> more",
        "<b>bold</b> & &amp; <br>",
        "<a title=\"**bold**\">",
        "\\( a_1 * \\b * c_2 \\) \\[ x\n- \\y \\] $$\nx_1\n- \\y_2\n$$",
        "\\(あ *b\\) and c*",
        "\\(あ**\\)「x」**は",
        "$5 and $10, $5 for $x items",
        "f[x](y) と [メモ](大事)",
        "    indented **code**",
        "line\n\n\n\nline  \nend\n",
        "_____ and _a;_ b and __a;__ b and __;a__ b",
        "- \n*\n#\n",
        "",
    ]);
}

#[test]
fn formulas_are_readable_and_code_and_addresses_have_none() {
    check(&[
        (
            "\\( a_1 * b * c_2 \\) \\[ x\n- y \\] $a*b*c$ $$\nx_1\n- y_2\n$$",
            "a₁ * b * c₂ x - y a*b*c x₁ - y₂",
        ),
        ("**面積**は**\\( \\pi r^2 \\)**で、`\\( r^2 \\)`と $r$ は", "面積はπ r²で、\\( r^2 \\)と r は"),
        ("## $x^2$\n- $y_1$\n  - \\[\n    z\n    \\]", "■ x²\n• y₁\n  • z"),
        ("```sh\necho $$ $x_1$ \\(a\\)\n```\n$x_1$", "─── sh ───\necho $$ $x_1$ \\(a\\)\n──────────\nx₁"),
        ("\\( `x` \\) `$`x$ `$`, $ `\\(` y \\)", "\\( x \\) $x$ $, $ \\( y \\)"),
        ("    $x_1$", "    $x_1$"),
        ("https://a.b/?c=$d$ [$x_1$](https://a.b/$c$)", "https://a.b/?c=$d$ x₁ (https://a.b/$c$)"),
        (
            "$a_1$\n\n| $x^2$ | b |\n|-|-|\n| \\(y^2\\) | **$z$** |\n| $p | q$ |\n\n$b_1$",
            "a₁\n\n• x²: y²\n  b: z\n• x²: $p\n  b: q$\n\nb₁",
        ),
    ]);
}

#[test]
fn headings_rules_and_lists_are_seen_without_marks() {
    check(&[
        ("# 題\n\n本文\n### 小さい **題**", "■ 題\n\n本文\n■ 小さい 題"),
        ("題\n===\n本文", "題\n──────────\n本文"),
        ("a\n\n---\n\nb", "a\n\n──────────\n\nb"),
        ("- a\n  - b\n    * c\n- **d**: e", "• a\n  • b\n    • c\n• d: e"),
        ("1. a\n   - b\n2. c", "1. a\n   • b\n2. c"),
        ("- [ ] todo\n- [x] done", "☐ todo\n☑ done"),
    ]);
}

#[test]
fn code_is_kept_and_set_off() {
    check(&[
        (
            "see:\n```python\na = b ** c ** d\n# not a heading\n```\nend",
            "see:\n─── python ───\na = b ** c ** d\n# not a heading\n──────────\nend",
        ),
        ("```\nx\n```", "──────────\nx\n──────────"),
        ("1. do\n   ```sh\n   - ls\n   ```\n2. end", "1. do\n   ─── sh ───\n   - ls\n   ──────────\n2. end"),
        ("```\nx\n``", "──────────\nx\n``"),
        ("cut off:\n```js\nlet a = **", "cut off:\n─── js ───\nlet a = **"),
    ]);
    // The result is the same for each kind of line end.
    check(&[("```\rx\r\n```\ry\r---", "──────────\nx\n──────────\ny\n──────────")]);
    let Plain { text, code } = plain("**a** [b](https://c.d)\n```\nx\n```\nd\n```\ny\n```");
    let blocks: Vec<&str> = code.into_iter().map(|block| &text[block]).collect();
    assert_eq!(blocks, ["──────────\nx\n──────────", "──────────\ny\n──────────"]);
}

#[test]
fn links_show_where_they_lead() {
    check(&[
        ("[Rust](https://www.rust-lang.org/)を見て", "Rust (https://www.rust-lang.org/)を見て"),
        ("[**bold** link](https://a.b/c_d_e)", "bold link (https://a.b/c_d_e)"),
        ("<https://a.b/_c_> と [https://a.b](https://a.b)", "https://a.b/_c_ と https://a.b"),
        ("[a.b](https://a.b/)", "https://a.b/"),
        ("**[a.b](https://a.b/)** [http://a.b/*c*](http://a.b/*c*)", "https://a.b/ http://a.b/*c*"),
        ("![猫](https://a.b/cat.png)", "猫 (https://a.b/cat.png)"),
        ("![](https://a.b/cat.png) [](https://a.b/c)", "https://a.b/cat.png https://a.b/c"),
        (
            "[w](https://en.wikipedia.org/wiki/A_(b) \"title\")",
            "w (https://en.wikipedia.org/wiki/A_(b) \"title\")",
        ),
        ("[mail](mailto:a@b.c)", "mail (mailto:a@b.c)"),
        ("[a][1] and [1]\n\n[1]: https://a.b", "[a][1] and [1]\n\n[1]: https://a.b"),
    ]);
}

#[test]
fn an_address_ends_where_a_reader_would_end_it() {
    for (text, expected) in [
        ("見て https://a.b/c。", &["https://a.b/c"][..]),
        ("(https://a.b/c), http://d.e/f?g=h.", &["https://a.b/c", "http://d.e/f?g=h"]),
        ("https://a.b/A_(c)(d)e) f", &["https://a.b/A_(c)(d)e"]),
        ("<https://a.b/c>|https://d.e|", &["https://a.b/c", "https://d.e"]),
        ("://a, ftp://b.c/d", &[]),
    ] {
        let found: Vec<&str> = urls(text).into_iter().map(|url| &text[url]).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn tables_are_read_row_by_row() {
    check(&[
        (
            "前\n\n| 名前 | 値段 |\n|---|--:|\n| **りんご** | 100円 |\n| `a\\|b` | |\n\n後",
            "前\n\n• 名前: りんご\n  値段: 100円\n• 名前: a|b\n\n後",
        ),
        ("| | **「x」**は |\n|-|-|\n| a | b<br>c |", "• a\n  「x」は: b\n  c"),
        ("**題**\n\n|a|b|\n|-|-|\n|1|2|\n\n**後**", "題\n\n• a: 1\n  b: 2\n\n後"),
        ("| a | b |\n|---|---|", "a | b"),
        ("|a|b|\n|-|-|\n|1|2|3|\n|4|", "• a: 1\n  b: 2\n  3\n• a: 4"),
        ("|a|b|\n|-|-|\n|1|", "a | b\n• a: 1"),
    ]);
}

#[test]
fn the_longest_answers_are_read_too() {
    // Each mark is read once. If each mark were compared with all others, this would take minutes.
    let table = format!("|a|b|\n|-|-|\n{}", "|`x`|**y**|\n".repeat(20_000));
    assert_eq!(plain(&table).text.lines().filter(|line| ["• a: x", "  b: y"].contains(line)).count(), 40_000);
    let Plain { text, code } = plain(&"`a` **b**\n\n```\nc\n```\n".repeat(10_000));
    assert!(text.starts_with("a b\n\n──────────\nc\n──────────\na b\n"));
    assert_eq!((code.len(), &text[code[9_999].clone()]), (10_000, "──────────\nc\n──────────"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn no_word_is_lost_and_code_lies_within(
        source in "(\\*|\\*\\*|_|__|`|```\n|\n|\n\n|- |# |\\| |\\|-\\|-\\|\n|\\[|\\]\\(https://a.b\\)|あ|b |🍎|\\\\\\(|\\$|<|~~~|\\\\\\)|\\^|_1|\\\\frac|\\{|\\}|> |1\\. ){0,40}",
    ) {
        let Plain { text, code } = plain(&source);
        let count = |text: &str, word: char| text.matches(word).count();
        for word in ['あ', '🍎'] {
            prop_assert!(count(&text, word) >= count(&source, word), "{text}");
        }
        prop_assert!(code.iter().all(|block| text.get(block.clone()).is_some()));
    }
}
