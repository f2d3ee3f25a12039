//! The text of a file that people send, whatever its encoding is. Pure.

use encoding_rs::{Encoding, SHIFT_JIS, UTF_8};

use super::clean::clean;

/// Returns the text of these bytes, without control characters and open direction marks. A byte order mark names the
/// encoding (UTF-8 or UTF-16). Without one it is UTF-8, or else `Shift_JIS`, in which Japanese people still save texts.
/// Returns `None` if the bytes are no text or a blank one.
pub(crate) fn decode(bytes: &[u8]) -> Option<String> {
    let text = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => strictly(encoding, &bytes[mark..]),
        None => strictly(UTF_8, bytes).or_else(|| strictly(SHIFT_JIS, bytes)),
    };
    // A text has no NUL, and nearly every other file has.
    let text = text.filter(|text| !text.contains('\0') && !text.trim().is_empty())?;
    Some(clean(&text).into_owned())
}

fn strictly(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes).map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_in_each_encoding_that_people_save_and_nothing_else_is_a_text() {
        for (bytes, text) in [
            (&b"hello\r\n"[..], Some("hello\n")),
            ("こんにちは🍎".as_bytes(), Some("こんにちは🍎")),
            (b"\xef\xbb\xbfhello", Some("hello")),
            (b"\xff\xfeh\0\x42\x30", Some("hあ")),
            (b"\xfe\xff\0h\x30\x42", Some("hあ")),
            (b"\x93\xfa\x96\x7b, \xb1\x87\x40", Some("日本, ｱ①")),
            (b"a\x1b[31mb", Some("a[31mb")),
            // Half a character at the end, in UTF-16, UTF-8 and Shift_JIS.
            (b"\xff\xfeh\0\x42", None),
            (b"\xef\xbb\xbf\xe3\x81", None),
            (b"\x93\xfa\x96", None),
            (b"\xff\xfe\0\xd8h\0", None),
            (b"PK\x03\x04\0\0", None),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", None),
            (b"", None),
            (b" \n", None),
            (b"\xef\xbb\xbf", None),
        ] {
            assert_eq!(decode(bytes).as_deref(), text, "{bytes:x?}");
        }
    }
}
