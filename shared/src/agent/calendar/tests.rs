//! Daylight saving changes of real zones, and properties of recurrences and quiet hours.

use jiff::SignedDuration;
use jiff::civil::{Time, Weekday, date, time};
use proptest::prelude::*;

use super::*;

fn zone(name: &str) -> Zone {
    Zone::named(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn daily(at: Time, name: &str) -> Recurrence {
    Recurrence { days: Days::Daily, at, zone: zone(name) }
}

/// Returns the first `count` occurrences after `after`.
fn occurrences(recurrence: &Recurrence, after: Timestamp, count: usize) -> Vec<Timestamp> {
    std::iter::successors(recurrence.next_after(after), |last| recurrence.next_after(*last))
        .take(count)
        .collect()
}

/// A transition: the zone, a local time in its gap or fold, and the occurrences of three days in UTC.
type Row = (&'static str, Time, [&'static str; 3]);

/// Occurrences on the day before a gap, on its day and on the day after.
const GAPS: [Row; 13] = [
    ("Europe/Zurich", time(2, 30, 0, 0), ["2027-03-27T01:30Z", "2027-03-28T01:00Z", "2027-03-29T00:30Z"]),
    ("Europe/London", time(1, 30, 0, 0), ["2027-03-27T01:30Z", "2027-03-28T01:00Z", "2027-03-29T00:30Z"]),
    ("America/New_York", time(2, 30, 0, 0), ["2027-03-13T07:30Z", "2027-03-14T07:00Z", "2027-03-15T06:30Z"]),
    ("America/St_Johns", time(2, 30, 0, 0), ["2027-03-13T06:00Z", "2027-03-14T05:30Z", "2027-03-15T05:00Z"]),
    ("America/Sao_Paulo", time(0, 30, 0, 0), ["2018-11-03T03:30Z", "2018-11-04T03:00Z", "2018-11-05T02:30Z"]),
    ("America/Santiago", time(0, 30, 0, 0), ["2026-09-05T04:30Z", "2026-09-06T04:00Z", "2026-09-07T03:30Z"]),
    ("Africa/Casablanca", time(2, 30, 0, 0), ["2027-03-13T02:30Z", "2027-03-14T02:00Z", "2027-03-15T01:30Z"]),
    ("Africa/Cairo", time(0, 30, 0, 0), ["2027-04-28T22:30Z", "2027-04-29T22:00Z", "2027-04-30T21:30Z"]),
    ("Asia/Beirut", time(0, 30, 0, 0), ["2027-03-26T22:30Z", "2027-03-27T22:00Z", "2027-03-28T21:30Z"]),
    (
        "Australia/Adelaide",
        time(2, 30, 0, 0),
        ["2026-10-02T17:00Z", "2026-10-03T16:30Z", "2026-10-04T16:00Z"],
    ),
    (
        "Australia/Lord_Howe",
        time(2, 15, 0, 0),
        ["2026-10-02T15:45Z", "2026-10-03T15:30Z", "2026-10-04T15:15Z"],
    ),
    ("Pacific/Chatham", time(3, 0, 0, 0), ["2026-09-25T14:15Z", "2026-09-26T14:00Z", "2026-09-27T13:15Z"]),
    ("Pacific/Apia", time(3, 30, 0, 0), ["2020-09-25T14:30Z", "2020-09-26T14:00Z", "2020-09-27T13:30Z"]),
];

/// Occurrences on the day before a fold, on its day and on the day after.
const FOLDS: [Row; 13] = [
    ("Europe/Zurich", time(2, 30, 0, 0), ["2026-10-24T00:30Z", "2026-10-25T00:30Z", "2026-10-26T01:30Z"]),
    ("Europe/London", time(1, 30, 0, 0), ["2026-10-24T00:30Z", "2026-10-25T00:30Z", "2026-10-26T01:30Z"]),
    ("America/New_York", time(1, 30, 0, 0), ["2026-10-31T05:30Z", "2026-11-01T05:30Z", "2026-11-02T06:30Z"]),
    ("America/St_Johns", time(1, 30, 0, 0), ["2026-10-31T04:00Z", "2026-11-01T04:00Z", "2026-11-02T05:00Z"]),
    (
        "America/Sao_Paulo",
        time(23, 30, 0, 0),
        ["2018-02-17T01:30Z", "2018-02-18T01:30Z", "2018-02-19T02:30Z"],
    ),
    ("America/Santiago", time(23, 30, 0, 0), ["2027-04-03T02:30Z", "2027-04-04T02:30Z", "2027-04-05T03:30Z"]),
    ("Africa/Casablanca", time(2, 30, 0, 0), ["2027-02-06T01:30Z", "2027-02-07T01:30Z", "2027-02-08T02:30Z"]),
    ("Africa/Cairo", time(23, 30, 0, 0), ["2026-10-28T20:30Z", "2026-10-29T20:30Z", "2026-10-30T21:30Z"]),
    ("Asia/Beirut", time(23, 30, 0, 0), ["2026-10-23T20:30Z", "2026-10-24T20:30Z", "2026-10-25T21:30Z"]),
    (
        "Australia/Adelaide",
        time(2, 30, 0, 0),
        ["2027-04-02T16:00Z", "2027-04-03T16:00Z", "2027-04-04T17:00Z"],
    ),
    (
        "Australia/Lord_Howe",
        time(1, 45, 0, 0),
        ["2027-04-02T14:45Z", "2027-04-03T14:45Z", "2027-04-04T15:15Z"],
    ),
    ("Pacific/Chatham", time(3, 0, 0, 0), ["2027-04-02T13:15Z", "2027-04-03T13:15Z", "2027-04-04T14:15Z"]),
    ("Pacific/Apia", time(3, 30, 0, 0), ["2021-04-02T13:30Z", "2021-04-03T13:30Z", "2021-04-04T14:30Z"]),
];

#[test]
fn gap_resolves_to_its_end_and_fold_to_its_first_occurrence() {
    for (name, time, expected) in GAPS.iter().chain(&FOLDS) {
        let expected = expected.map(|text| at(&text.replace('Z', ":00Z")));
        let begin = expected[0] - SignedDuration::from_secs(1);

        let found = occurrences(&daily(*time, name), begin, 3);

        assert_eq!(found, expected, "{name} at {time}");
    }
}

#[test]
fn rows_of_gaps_and_folds_are_in_gaps_and_folds() {
    for (name, time, expected) in &GAPS {
        let zone = zone(name);
        let day = zone.to_datetime(at(&expected[1].replace('Z', ":00Z"))).date();

        assert!(zone.is_gap(day.to_datetime(*time)), "{name}");
    }
    for (name, time, expected) in &FOLDS {
        let zone = zone(name);
        let day = zone.to_datetime(at(&expected[1].replace('Z', ":00Z"))).date();

        assert!(zone.is_fold(day.to_datetime(*time)), "{name}");
    }
}

#[test]
fn zone_that_skips_a_whole_day_repeats_no_occurrence() {
    let kolkata = occurrences(&daily(time(9, 0, 0, 0), "Asia/Kolkata"), at("2026-03-28T12:00:00Z"), 2);
    // Apia had no 30 December 2011.
    let apia = occurrences(&daily(time(0, 0, 0, 0), "Pacific/Apia"), at("2011-12-29T09:00:00Z"), 3);

    assert_eq!(kolkata, [at("2026-03-29T03:30:00Z"), at("2026-03-30T03:30:00Z")]);
    assert_eq!(
        apia,
        [at("2011-12-29T10:00:00Z"), at("2011-12-30T10:00:00Z"), at("2011-12-31T10:00:00Z")][..]
    );
}

#[test]
fn days_are_those_of_the_zone() {
    let friday_in_utc = at("2026-11-20T20:00:00Z");
    let next = |days, name: &str| {
        let recurrence = Recurrence { days, at: time(9, 0, 0, 0), zone: zone(name) };
        recurrence.next_after(friday_in_utc).unwrap().to_string()
    };

    assert_eq!(
        next(Days::Weekdays, "Pacific/Auckland"),
        "2026-11-22T20:00:00Z",
        "Saturday in the zone: on Monday"
    );
    assert_eq!(next(Days::Weekdays, "America/Los_Angeles"), "2026-11-23T17:00:00Z");
    assert_eq!(next(Days::Weekly(Weekday::Monday), "Europe/Zurich"), "2026-11-23T08:00:00Z");
    assert_eq!(
        next(Days::Monthly(31), "Europe/Zurich"),
        "2026-11-30T08:00:00Z",
        "the last day of a short month"
    );
    assert_eq!(next(Days::Monthly(1), "Europe/Zurich"), "2026-12-01T08:00:00Z");
    let midweek = [Weekday::Wednesday, Weekday::Tuesday].into_iter().collect();
    assert_eq!(next(Days::EveryWeek(midweek), "Europe/Zurich"), "2026-11-24T08:00:00Z");
    let from = date(2026, 11, 13);
    assert_eq!(next(Days::EveryWeeks { weeks: 2, from }, "Europe/Zurich"), "2026-11-27T08:00:00Z");
    let from = date(2027, 2, 5);
    assert_eq!(next(Days::EveryWeeks { weeks: 20, from }, "Europe/Zurich"), "2027-02-05T08:00:00Z");
}

#[test]
fn quiet_hours_cross_midnight_and_daylight_saving_changes() {
    let nights = QuietHours::new(time(22, 0, 0, 0), time(7, 0, 0, 0)).unwrap();
    let naps = QuietHours::new(time(13, 0, 0, 0), time(14, 0, 0, 0)).unwrap();
    let end =
        |hours: QuietHours, now: &str| hours.end(&zone("Europe/Zurich"), at(now)).map(|end| end.to_string());

    assert_eq!(end(nights, "2026-11-22T20:59:59Z"), None);
    assert_eq!(end(nights, "2026-11-22T21:00:00Z").unwrap(), "2026-11-23T06:00:00Z");
    assert_eq!(end(nights, "2026-11-23T05:59:59Z").unwrap(), "2026-11-23T06:00:00Z");
    assert_eq!(end(nights, "2026-11-23T06:00:00Z"), None);
    assert_eq!(end(nights, "2027-03-27T23:00:00Z").unwrap(), "2027-03-28T05:00:00Z", "a short night");
    assert_eq!(end(nights, "2026-10-25T00:00:00Z").unwrap(), "2026-10-25T06:00:00Z", "a long one");
    assert_eq!(end(naps, "2026-11-23T12:30:00Z").unwrap(), "2026-11-23T13:00:00Z");
    assert_eq!(end(naps, "2026-11-23T22:30:00Z"), None);
}

#[test]
fn invalid_zones_and_quiet_hours_are_rejected() {
    assert_eq!(
        Zone::named("Mars/Olympus").unwrap_err().to_string(),
        "`Mars/Olympus` is not an IANA time zone, e.g. Europe/Zurich"
    );
    for odd in ["", "../../etc/passwd", "Etc/Unknown", "CEST+2", "9"] {
        assert!(Zone::named(odd).is_err(), "{odd}");
    }
    assert_eq!(Zone::named("europe/zurich").unwrap().as_str(), "Europe/Zurich");
    assert!(QuietHours::new(time(7, 0, 0, 0), time(7, 0, 0, 0)).is_err());
    assert!(serde_json::from_str::<QuietHours>(r#"{"from":"07:00","to":"07:00"}"#).is_err());
}

#[test]
fn recurrence_survives_a_json_round_trip() {
    let weekend = [Weekday::Saturday, Weekday::Sunday].into_iter().collect();
    for days in [
        Days::Daily,
        Days::Weekdays,
        Days::Weekly(Weekday::Sunday),
        Days::EveryWeek(weekend),
        Days::EveryWeeks { weeks: 2, from: date(2026, 11, 13) },
        Days::Monthly(31),
    ] {
        let recurrence = Recurrence { days, at: time(9, 0, 0, 0), zone: zone("Asia/Kathmandu") };

        let json = serde_json::to_string(&recurrence).unwrap();

        assert_eq!(serde_json::from_str::<Recurrence>(&json).unwrap(), recurrence, "{json}");
    }
    assert_eq!(
        serde_json::to_string(&Days::EveryWeek(weekend)).unwrap(),
        r#"{"every-week":["saturday","sunday"]}"#
    );
    for wrong in ["[]", r#"["someday"]"#, r#""monday""#] {
        assert!(serde_json::from_str::<DaysOfWeek>(wrong).is_err(), "{wrong}");
    }
}

fn any_zone() -> impl Strategy<Value = Zone> {
    let names: Vec<&str> = GAPS.iter().map(|(name, ..)| *name).chain(["Asia/Kolkata", "UTC"]).collect();
    prop::sample::select(names).prop_map(zone)
}

fn any_time() -> impl Strategy<Value = Time> {
    (0_i8..24, 0_i8..60).prop_map(|(hour, minute)| time(hour, minute, 0, 0))
}

fn any_days() -> impl Strategy<Value = Days> {
    prop_oneof![
        Just(Days::Daily),
        Just(Days::Weekdays),
        (0_i8..7).prop_map(|day| Days::Weekly(Weekday::from_monday_zero_offset(day).unwrap())),
        (1_u8..128).prop_map(|days| {
            let is_in = |day: &Weekday| days & (1 << day.to_monday_zero_offset()) != 0;
            Days::EveryWeek(Weekday::Monday.cycle_forward().take(7).filter(is_in).collect())
        }),
        (1_u8..12, 1_i8..28).prop_map(|(weeks, day)| Days::EveryWeeks { weeks, from: date(2015, 5, day) }),
        (1_i8..=31).prop_map(Days::Monthly),
    ]
}

proptest! {
    #[test]
    fn every_occurrence_is_later_and_at_its_local_time(
        zone in any_zone(), at in any_time(), days in any_days(), begin in 1_262_300_400_i64..1_893_452_400,
    ) {
        let recurrence = Recurrence { days, at, zone: zone.clone() };
        let mut last = Timestamp::from_second(begin).unwrap();

        for _ in 0..40 {
            let next = recurrence.next_after(last).unwrap();
            prop_assert!(next > last);
            let local = zone.to_datetime(next);
            // In a gap the local time is later, possibly on the next day.
            let is_due = local.time() == at || zone.is_gap(local.date().to_datetime(at))
                || zone.is_gap(local.date().yesterday().unwrap().to_datetime(at));
            prop_assert!(is_due, "{} has {local}", zone);
            last = next;
        }
    }

    #[test]
    fn daily_occurrences_are_about_a_day_apart(zone in any_zone(), at in any_time(), begin in 1_338_508_800_i64..1_893_452_400) {
        let recurrence = Recurrence { days: Days::Daily, at, zone };
        let found = occurrences(&recurrence, Timestamp::from_second(begin).unwrap(), 40);

        let intervals = found.windows(2).map(|pair| pair[1].duration_since(pair[0]));
        // Days differ by at most an hour here: the range starts after the day that Apia skipped in 2011.
        prop_assert!(intervals.into_iter().all(|interval| interval.as_hours() >= 22 && interval.as_hours() <= 26));
    }

    #[test]
    fn quiet_hours_end_within_a_day(
        zone in any_zone(), from in any_time(), to in any_time(), now in 1_262_300_400_i64..1_893_452_400,
    ) {
        prop_assume!(from != to);
        let hours = QuietHours::new(from, to).unwrap();
        let now = Timestamp::from_second(now).unwrap();

        if let Some(end) = hours.end(&zone, now) {
            prop_assert!(end > now && end.duration_since(now).as_hours() <= 26);
        }
    }
}
