//! Placeholders of the corpus: `<now-301>`, `<client_id>`, `<1000*[>`, `<byte FF>` in any text of a row. The request
//! builder resolves names; other text stays unchanged.

/// Replaces every placeholder that `resolve` knows.
pub(super) fn expand(text: &str, resolve: &dyn Fn(&str) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut expanded = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        expanded.extend(before.as_bytes());
        let named = after.split_once('>').and_then(|(name, rest)| Some((value(name, resolve)?, rest)));
        rest = match named {
            Some((value, rest)) => {
                expanded.extend(value);
                rest
            }
            None => {
                expanded.push(b'<');
                after
            }
        };
    }
    expanded.extend(rest.as_bytes());
    expanded
}

/// Returns the value of a repetition, byte or character; other names go to `resolve`.
fn value(name: &str, resolve: &dyn Fn(&str) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    if let Some((count, text)) = name.split_once('*')
        && let Ok(count) = count.parse::<usize>()
    {
        // A `#` in the repeated text is the number of the repetition.
        let numbered = || (0..count).map(|index| text.replace('#', &index.to_string())).collect();
        let repeated: String = if text.contains('#') { numbered() } else { text.repeat(count) };
        return Some(repeated.into_bytes());
    }
    match name.split_once(' ') {
        Some(("byte", hex)) => u8::from_str_radix(hex, 16).ok().map(|byte| vec![byte]),
        Some(("char", hex)) => {
            let char = char::from_u32(u32::from_str_radix(hex, 16).ok()?)?;
            Some(char.to_string().into_bytes())
        }
        _ => resolve(name),
    }
}

#[test]
fn placeholders_are_replaced_and_other_brackets_are_text() {
    let resolve = |name: &str| (name == "now-1").then(|| b"41".to_vec());

    let expanded = expand(r#"<at>Herald</at> <now-1> <3*k#,> <byte FF>"#, &resolve);

    assert_eq!(expanded, b"<at>Herald</at> 41 k0,k1,k2, \xff");
}
