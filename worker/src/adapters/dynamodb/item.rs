//! Rows and their attributes, read and written. Pure.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use crate::history::REMEMBERED_FOR;

/// A row in the form of the SDK.
pub(super) type Item = HashMap<String, AttributeValue>;

/// Returns the key of a row.
pub(super) fn key(id: impl Into<String>) -> Item {
    Item::from([("id".to_owned(), s(id))])
}

/// Makes a text attribute.
pub(super) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// Makes a number attribute.
pub(super) fn n(number: impl Into<i64>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

/// Returns the text of an attribute.
pub(super) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// Returns the number of an attribute, if it fits the type.
pub(super) fn number<T: std::str::FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// Returns when a row expires that is remembered from now on, in Unix seconds.
pub(super) fn remembered_until(now: Timestamp) -> i64 {
    now.checked_add(REMEMBERED_FOR).unwrap_or(now).as_second()
}
