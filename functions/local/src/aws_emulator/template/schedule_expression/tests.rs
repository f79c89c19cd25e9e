//! Tests of schedule expressions: occurrences over changes of clocks, and the errors of invalid ones.

use super::*;

/// The first `count` times after `after`, in UTC.
fn times(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let expression = ScheduleExpression::parse(expression, zone).unwrap();
    let mut last = after.parse().unwrap();
    let mut times = Vec::new();
    while let (Some(next), true) = (expression.next_after(last), times.len() < count) {
        times.push(next.to_string());
        last = next;
    }
    times
}

#[test]
fn skipped_local_time_does_not_run() {
    let fired = times("cron(30 2 * * ? *)", "Europe/Zurich", "2026-03-28T00:00:00Z", 2);

    assert_eq!(fired, ["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"]);
    assert!(times("at(2026-03-29T02:30:00)", "Europe/Zurich", "2026-01-01T00:00:00Z", 1).is_empty());
}

#[test]
fn repeated_local_time_runs_once() {
    let fired = times("cron(30 2 * * ? *)", "Europe/Zurich", "2026-10-24T12:00:00Z", 2);
    let every_quarter = times("cron(0/30 * * * ? *)", "Europe/Zurich", "2026-10-24T23:59:00Z", 5);

    assert_eq!(fired, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    assert_eq!(
        every_quarter,
        [
            "2026-10-25T00:00:00Z",
            "2026-10-25T00:30:00Z",
            "2026-10-25T02:00:00Z",
            "2026-10-25T02:30:00Z",
            "2026-10-25T03:00:00Z"
        ]
    );
    assert_eq!(
        times("at(2026-10-25T02:30:00)", "Europe/Zurich", "2026-01-01T00:00:00Z", 2),
        ["2026-10-25T00:30:00Z"]
    );
}

#[test]
fn days_of_the_week_are_numbered_as_by_aws() {
    let days = |fields: &str| {
        let fired = times(&format!("cron(0 9 {fields})"), "UTC", "2026-11-01T00:00:00Z", 2);
        fired.into_iter().map(|time| time[..10].to_owned()).collect::<Vec<_>>()
    };

    assert_eq!(days("? * 1 *"), ["2026-11-01", "2026-11-08"], "1 is Sunday");
    assert_eq!(days("? * SAT *"), ["2026-11-07", "2026-11-14"]);
    assert_eq!(days("? * L *"), ["2026-11-07", "2026-11-14"], "L is the last day of the week");
    assert_eq!(days("? * 2-6/2 *"), ["2026-11-02", "2026-11-04"]);
    assert_eq!(days("? * 6L *"), ["2026-11-27", "2026-12-25"], "the last Friday");
    assert_eq!(days("? * 3#2 *"), ["2026-11-10", "2026-12-08"], "the second Tuesday");
    assert_eq!(days("L * ? *"), ["2026-11-30", "2026-12-31"]);
    assert_eq!(days("15W * ? *"), ["2026-11-16", "2026-12-15"], "the weekday nearest to a Sunday");
    assert_eq!(days("1 JAN,JUL ? 2027"), ["2027-01-01", "2027-07-01"]);
    assert_eq!(days("30 2 ? *"), [""; 0], "there is no 30 February");
    assert_eq!(days("1 1 ? 2020"), [""; 0]);
}

#[test]
fn rate_is_counted_in_whole_units() {
    assert_eq!(
        times("rate(5 minutes)", "UTC", "2026-11-22T09:03:00.5Z", 2),
        ["2026-11-22T09:05:00Z", "2026-11-22T09:10:00Z"]
    );
    assert_eq!(times("rate(1 day)", "UTC", "2026-11-22T00:00:00Z", 1), ["2026-11-23T00:00:00Z"]);
}

#[test]
fn invalid_expressions_are_rejected() {
    for expression in [
        "every day",
        "cron(0 9 * * *)",
        "cron(0 9 * * * *)",
        "cron(0 9 ? * ? *)",
        "cron(0 9 ? * 0 *)",
        "cron(0 9 ? * 8 *)",
        "cron(60 9 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 9 32 * ? *)",
        "cron(0 9 1 13 ? *)",
        "cron(0,, 9 * * ? *)",
        "cron(0 9 * * ? 1969)",
        "cron(@daily)",
        "rate(0 minutes)",
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(5 seconds)",
        "at(2026-11-22)",
        "at(2026-11-22T09:00:00Z)",
    ] {
        assert!(ScheduleExpression::parse(expression, "UTC").is_err(), "{expression}");
    }
    assert!(matches!(
        ScheduleExpression::parse("rate(5 minutes)", "Mars/Olympus"),
        Err(ScheduleExpressionError::Zone(_))
    ));
}

#[test]
fn error_of_a_cron_expression_names_the_field_and_its_range() {
    for (fields, problem) in [
        ("0 25 ? * MON-FRI *", "hours `25` is not within 0-23"),
        ("60 9 * * ? *", "minutes `60` is not within 0-59"),
        ("0 9 32 * ? *", "day-of-month `32` is not within 1-31"),
        ("0 9 1 13 ? *", "month `13` is not within 1-12 or JAN-DEC"),
        ("0 9 ? * MONDAY *", "day-of-week `MONDAY` is not within 1-7 or SUN-SAT"),
        ("0 9 ? * 1-8 *", "day-of-week `8` is not within 1-7 or SUN-SAT"),
        ("0 9 ? * 3#6 *", "day-of-week `3#6` is not within 1-7 or SUN-SAT"),
        ("0 nine * * ? *", "hours `nine` is not within 0-23"),
        ("0/0 9 * * ? *", "minutes `0/0`: the step must be a whole number above 0"),
        ("0 9 * * ? 1969", "year `1969` is not within 1970-2199"),
        ("0 9 * * ?", "expected six fields: minutes hours day-of-month month day-of-week year"),
    ] {
        let error = ScheduleExpression::parse(&format!("cron({fields})"), "UTC").unwrap_err();

        assert_eq!(error.to_string(), format!("cron({fields}): {problem}"));
    }
}

#[test]
fn occurrences_report_skipped_and_repeated_times() {
    let expression = ScheduleExpression::parse("cron(30 2 * * ? *)", "Europe/Zurich").unwrap();
    let spring: Vec<_> = expression.occurrences("2026-03-28T12:00:00Z".parse().unwrap()).take(2).collect();
    let autumn: Vec<_> = expression.occurrences("2026-10-24T12:00:00Z".parse().unwrap()).take(2).collect();

    let at = |time: &str| time.parse::<Timestamp>().unwrap();
    let skipped = "2026-03-29T02:30:00".parse().unwrap();
    assert_eq!(spring, [Occurrence::Gap(skipped), Occurrence::At(at("2026-03-30T00:30:00Z"))]);
    assert_eq!(
        autumn,
        [Occurrence::Fold(at("2026-10-25T00:30:00Z")), Occurrence::At(at("2026-10-26T01:30:00Z"))]
    );
}

#[test]
fn rate_runs_at_its_start_date_and_counts_from_it() {
    let rows = [
        (
            "rate(7 days)",
            "2026-11-29T09:00:23Z",
            "2026-11-22T09:00:23Z",
            "2026-11-29T09:00:23Z",
            "2026-12-06T09:00:23Z",
        ),
        (
            "rate(1 minute)",
            "2026-11-22T09:01:00Z",
            "2026-11-22T09:00:00Z",
            "2026-11-22T09:01:00Z",
            "2026-11-22T09:02:00Z",
        ),
        (
            "rate(2 hours)",
            "2026-11-22T11:00:00Z",
            "2026-11-22T11:00:00Z",
            "2026-11-22T13:00:00Z",
            "2026-11-22T15:00:00Z",
        ),
        (
            "rate(1 day)",
            "2026-03-28T12:00:00Z",
            "2026-03-28T12:30:00Z",
            "2026-03-29T12:00:00Z",
            "2026-03-30T12:00:00Z",
        ),
        (
            "rate(90 minutes)",
            "2026-11-22T09:07:09Z",
            "2026-11-22T10:37:08.5Z",
            "2026-11-22T10:37:09Z",
            "2026-11-22T12:07:09Z",
        ),
        (
            "rate(365 days)",
            "2027-11-22T09:00:00Z",
            "2026-11-22T09:00:00Z",
            "2027-11-22T09:00:00Z",
            "2028-11-21T09:00:00Z",
        ),
    ];

    for (expression, start, after, first, second) in rows {
        for zone in ["UTC", "Europe/Zurich"] {
            let start = Some(start.parse().unwrap());
            let parsed = ScheduleExpression::parse(expression, zone).unwrap().between(start, None);
            let found: Vec<_> = parsed
                .occurrences(after.parse().unwrap())
                .filter_map(Occurrence::moment)
                .take(2)
                .map(|time| time.to_string())
                .collect();

            assert_eq!(found, [first, second], "{expression} {zone}");
        }
    }
}

#[test]
fn nothing_runs_before_the_start_date_or_after_the_end_date() {
    let (start, end) = ("2026-11-24T09:00:00Z", "2026-11-26T09:00:00Z");
    let (start, end) = (start.parse().unwrap(), end.parse().unwrap());
    let runs = |expression: &str| {
        let parsed = ScheduleExpression::parse(expression, "UTC").unwrap().between(Some(start), Some(end));
        let after = "2026-11-22T00:00:00Z".parse().unwrap();
        parsed
            .occurrences(after)
            .filter_map(Occurrence::moment)
            .map(|time| time.to_string())
            .collect::<Vec<_>>()
    };
    let days = ["2026-11-24T09:00:00Z", "2026-11-25T09:00:00Z", "2026-11-26T09:00:00Z"];

    assert_eq!(runs("cron(0 9 * * ? *)"), days);
    assert_eq!(runs("rate(1 day)"), days);
    assert_eq!(runs("at(2026-11-28T09:00:00)"), ["2026-11-28T09:00:00Z"], "ignores both dates");
}
