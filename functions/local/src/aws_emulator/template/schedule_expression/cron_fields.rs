//! Values of the fields of a `cron` expression, so that an error names the field and its range.
//! The combination of the fields is checked by the caller, the rest by the cron library.

/// A field of a `cron` expression.
struct CronField {
    name: &'static str,
    min: u16,
    max: u16,
    /// Names of the values from `min` on.
    names: &'static [&'static str],
}

const fn field(name: &'static str, min: u16, max: u16, names: &'static [&'static str]) -> CronField {
    CronField { name, min, max, names }
}

const FIELDS: [CronField; 6] = [
    field("minutes", 0, 59, &[]),
    field("hours", 0, 23, &[]),
    field("day-of-month", 1, 31, &[]),
    field(
        "month",
        1,
        12,
        &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    ),
    field("day-of-week", 1, 7, &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]),
    field("year", 1970, 2199, &[]),
];

/// Checks the values of the six fields.
///
/// # Errors
///
/// The first problem, with the name of its field and its range.
pub(super) fn check(fields: &[&str; 6]) -> Result<(), String> {
    let problem = FIELDS.iter().zip(fields).find_map(|(field, text)| field.problem(text));
    problem.map_or(Ok(()), Err)
}

impl CronField {
    /// Returns the first problem of the field `text`.
    fn problem(&self, text: &str) -> Option<String> {
        text.split(',').find_map(|item| {
            let (range, step) = item.split_once('/').unwrap_or((item, "1"));
            if !step.parse().is_ok_and(|step: u16| step > 0) {
                return Some(format!("{} `{item}`: the step must be a whole number above 0", self.name));
            }
            let value = self.values(range).find(|value| !self.allows(value))?;
            let names = match self.names {
                [first, .., last] => format!(" or {first}-{last}"),
                _ => String::new(),
            };
            Some(format!("{} `{value}` is not within {}-{}{names}", self.name, self.min, self.max))
        })
    }

    /// Returns the values in `range`, without the letters that choose a day by its place in the month.
    fn values<'a>(&self, range: &'a str) -> impl Iterator<Item = &'a str> {
        let range = match (self.name, range) {
            (_, "*" | "?") | ("day-of-month", "L" | "LW") | ("day-of-week", "L") => None,
            ("day-of-month", _) => Some(range.trim_start_matches("L-").trim_end_matches('W')),
            ("day-of-week", _) => {
                let nth =
                    range.split_once('#').filter(|(_, nth)| matches!(*nth, "1" | "2" | "3" | "4" | "5"));
                Some(nth.map_or_else(|| range.trim_end_matches('L'), |(day, _)| day))
            }
            (_, _) => Some(range),
        };
        range.into_iter().flat_map(|range| range.split('-'))
    }

    fn allows(&self, value: &str) -> bool {
        let is_name = self.names.iter().any(|name| name.eq_ignore_ascii_case(value));
        is_name || value.parse().is_ok_and(|number: u16| (self.min..=self.max).contains(&number))
    }
}
