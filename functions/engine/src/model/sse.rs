//! Parser of server-sent events from a stream of bytes that may be split anywhere.
//! Only the data of an event is kept; its name, id and retry time are ignored.

/// Maximum size of an event in bytes.
const MAX_EVENT: usize = 256 * 1024;

/// Parser of a stream; holds the bytes of the event that is not complete yet.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// Incomplete line; bytes, because a character may have arrived in part.
    line: Vec<u8>,
    /// Data of the incomplete event.
    data: Option<String>,
    /// Whether the last line ended in a carriage return, to which a line feed may belong.
    is_after_return: bool,
    has_first_line: bool,
}

impl Events {
    /// Returns the data of every event that `bytes` complete; `None` once an event exceeds the maximum size.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Option<Vec<String>> {
        let mut complete = Vec::new();
        for &byte in bytes {
            let belongs_to_return = std::mem::take(&mut self.is_after_return) && byte == b'\n';
            match byte {
                b'\n' if belongs_to_return => {}
                b'\n' | b'\r' => {
                    self.is_after_return = byte == b'\r';
                    complete.extend(self.end_line());
                }
                _ => self.line.push(byte),
            }
            if self.line.len() + self.data.as_ref().map_or(0, String::len) > MAX_EVENT {
                return None;
            }
        }
        Some(complete)
    }

    /// Returns the data of the last event if the stream ended without the empty line after it.
    pub(super) fn end(&mut self) -> Vec<String> {
        let last = self.end_line();
        last.into_iter().chain(self.data.take()).collect()
    }

    fn end_line(&mut self) -> Option<String> {
        let bytes = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&bytes);
        let is_first = !std::mem::replace(&mut self.has_first_line, true);
        let line = if is_first { line.trim_start_matches('\u{feff}') } else { &line };
        if line.is_empty() {
            return self.data.take();
        }
        // A line that begins with a colon is a comment: its field has no name.
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if field == "data" {
            let value = value.strip_prefix(' ').unwrap_or(value);
            match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(chunks: &[&[u8]]) -> Vec<String> {
        let mut events = Events::default();
        let mut all: Vec<String> = chunks.iter().flat_map(|chunk| events.feed(chunk).unwrap()).collect();
        all.extend(events.end());
        all
    }

    #[test]
    fn comments_names_and_all_line_ends_are_parsed() {
        let stream = "\u{feff}: alive\r\ndata: one\r\n\r\nevent: x\ndata:two\ndata:  more\nid: 7\n\n\n\
                      retry: 5\rdata: drei\u{1F600}\r\rdata\n\ndata: [DONE]";

        assert_eq!(read(&[stream.as_bytes()]), ["one", "two\n more", "drei\u{1F600}", "", "[DONE]"]);
    }

    #[test]
    fn event_above_the_maximum_size_is_rejected() {
        let mut events = Events::default();
        let line = vec![b'x'; MAX_EVENT];

        assert!(events.feed(&line).is_some());
        assert!(events.feed(b"y").is_none());
    }

    proptest! {
        #[test]
        fn result_does_not_depend_on_how_the_stream_is_split(
            lines in prop::collection::vec("(data|data: |: |event: |)[a-zé😀\" {}:]{0,12}", 0..12),
            ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n", "\r"]), 12),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let text: String = lines.iter().zip(&ends).flat_map(|(line, end)| [line.as_str(), end]).collect();
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();

            prop_assert_eq!(read(&chunks), read(&[bytes]));
        }
    }
}
