//! The output of commands: to a reader who has left, and with texts of strangers.

use crate::{dead_letters::bot_with_letters, harness::operator::Operator};

/// Runs a command whose output has no reader.
async fn unread(operator: &Operator, args: &[&str]) -> (i32, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = operator.command(args).stdout(writer).spawn().unwrap();
    let output = child.wait_with_output().await.unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_has_gone_ends_a_command_quietly_and_before_it_changes_anything() {
    let bot = bot_with_letters(2).await;
    let operator = Operator::beside(&bot);
    for args in [
        &["dlq", "list"][..],
        &["dlq", "list", "--json"],
        &["dlq", "redrive", "--all", "--yes"],
        &["dlq", "resolve", "--all", "--yes"],
        &["dlq", "purge", "--all", "--yes"],
        &["dlq", "watch"],
        &["forget", "U0", "--yes"],
        &["secrets", "check"],
    ] {
        assert_eq!(unread(&operator, args).await, (1, String::new()), "{args:?}");
    }
    assert_eq!(bot.health().await["dead_letters"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_strangers_wrote_does_not_steer_the_terminal_that_shows_it() {
    let bot = bot_with_letters(1).await;
    let operator = Operator::beside(&bot);
    bot.sql(
        "UPDATE letters SET id = 'an' || char(27) || '[2Jid', body = json_set(body, '$.text',
             'one' || char(10) || 'state  delivered' || char(155) || '31m')",
    );
    let shown = operator.runs(&["dlq", "list"]).await.out;
    assert!(shown.contains("an\\u001b[2Jid"), "{shown}");
    let shown = operator.runs(&["dlq", "show", "an\u{1b}[2Jid", "--reveal"]).await.out;
    assert!(shown.contains("one\\nstate  delivered\\u009b31m\n"), "{shown}");
    let json = operator.runs(&["dlq", "show", "an\u{1b}[2Jid", "--reveal", "--json"]).await.out;
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["text"], "one\nstate  delivered\u{9b}31m");
    let unknown = operator.runs(&["dlq", "show", "an\u{1b}[2Jother"]).await.err;
    for said in [shown, json, unknown] {
        assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_it_asks_shows_how_far_it_is_and_sums_up_on_a_line_of_its_own() {
    let bot = bot_with_letters(3).await;
    let operator = Operator::beside(&bot);
    let redrive = ["dlq", "redrive", "--all", "--rate", "0.2"];
    let no = operator.types(&[("Redrive 3 letters? [y/N] ", "n\n")], &redrive).await;
    assert!(no.code == 0 && no.out.contains("Nothing was changed."), "{}", no.out);
    let stopped = operator.types(&[("[y/N] ", "y\n"), ("1 of 3", "\u{3}")], &redrive).await;
    assert!(stopped.code == 1, "{}", stopped.out);
    let end =
        "[##########                    ] 1 of 3^C\r\n1 letter: 1 redriven.\r\nThe queue still counts 2.\r\n";
    assert!(stopped.out.contains(end), "{:?}", stopped.out);
    let all = operator.types(&[("[y/N] ", "y\n")], &["dlq", "redrive", "--all"]).await;
    let end = "] 1 of 2\r[##############################] 2 of 2\r\n2 letters: 2 redriven.\r\n";
    assert!(all.code == 0 && all.out.ends_with(end), "{:?}", all.out);
    bot.drain().await;
}
