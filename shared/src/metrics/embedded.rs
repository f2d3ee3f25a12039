//! CloudWatch's embedded metric format: a line of JSON that CloudWatch Logs makes a metric of (AWS,
//! "Specification: Embedded metric format").

use std::{
    io::Write,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::rules::{MetricValue, Rule};

/// Writes one value of a metric.
pub(super) fn write(
    namespace: &str,
    rule: &Rule,
    value: f64,
    by: Option<(&str, String)>,
    user: Option<&str>,
) {
    let mut line = line(namespace, rule, value, by, now_ms());
    if let Some(user) = user {
        line["User"] = user.into();
    }
    // A failed write is ignored, as it is for the log.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn line(namespace: &str, rule: &Rule, value: f64, by: Option<(&str, String)>, now_ms: u64) -> Value {
    let unit = match rule.value {
        MetricValue::Millis(_) => "Milliseconds",
        MetricValue::Cost => "None",
        _ => "Count",
    };
    let dimension = by.map(|(field, word)| (capital(field), word));
    let names: Vec<&str> = dimension.iter().map(|(name, _)| name.as_str()).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": now_ms,
            "CloudWatchMetrics": [{
                "Namespace": namespace,
                "Dimensions": [names],
                "Metrics": [{ "Name": rule.name, "Unit": unit }],
            }],
        },
    });
    line[rule.name] = json!(value);
    if let Some((name, word)) = dimension {
        line[name] = word.into();
    }
    line
}

fn capital(field: &str) -> String {
    let (first, rest) = field.split_at(1);
    first.to_uppercase() + rest
}

#[expect(clippy::disallowed_methods, reason = "a metric is dated when it is written, like a log line")]
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::rules::RULES;

    #[test]
    fn a_line_says_what_the_specification_asks_for() {
        let letters = RULES.iter().find(|rule| rule.name == "DeadLettered").map(|rule| {
            line("Henji-dev", rule, 1.0, Some(("reason", "line_quota".into())), 1_700_000_000_000).to_string()
        });
        assert_eq!(
            letters.unwrap_or_default(),
            r#"{"DeadLettered":1.0,"Reason":"line_quota","_aws":{"CloudWatchMetrics":[{"Dimensions":[["Reason"]],"Metrics":[{"Name":"DeadLettered","Unit":"Count"}],"Namespace":"Henji-dev"}],"Timestamp":1700000000000}}"#
        );
    }
}
