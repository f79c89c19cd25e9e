//! Relations between the resources of the bundle's template that no linter checks.

use std::collections::BTreeSet;

use herald::aws::table::schema;
use proactive::event_handler::TICK_FAILED;
use serde_json::{Value, json};

use super::Document;

const OPERATIONS: &str = include_str!("../../../../../../docs/operations.md");

/// Functions, and the queue that each receives from.
const FUNCTIONS: [(&str, Option<&str>); 5] = [
    ("Inbound", None),
    ("WorkerTurns", Some("TurnsQueue")),
    ("WorkerTasks", Some("TasksQueue")),
    ("WorkerDeliveries", Some("DeliveriesQueue")),
    ("Proactive", None),
];

fn template() -> Value {
    Document::parse(crate::TEMPLATE).unwrap().root
}

/// Returns the fields of the map at `pointer`.
fn fields<'a>(template: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    let map = template.pointer(pointer).unwrap().as_object().unwrap();
    map.iter().map(|(name, value)| (name.as_str(), value))
}

/// Returns the properties of every resource of the type.
fn of_type<'a>(template: &'a Value, kind: &str) -> Vec<(&'a str, &'a Value)> {
    let resources = fields(template, "/Resources").filter(|(_, resource)| resource["Type"] == kind);
    resources.map(|(id, resource)| (id, &resource["Properties"])).collect()
}

fn property<'a>(template: &'a Value, id: &str, name: &str) -> &'a Value {
    &template["Resources"][id]["Properties"][name]
}

/// Returns the resource and the metric of everything that an alarm reads.
fn watched(template: &Value) -> BTreeSet<(String, String)> {
    let mut watched = BTreeSet::new();
    for (_, alarm) in of_type(template, "AWS::CloudWatch::Alarm") {
        let metrics = alarm["Metrics"].as_array().into_iter().flatten();
        for metric in metrics.filter_map(|metric| metric.pointer("/MetricStat/Metric")).chain([alarm]) {
            let value = &metric["Dimensions"][0]["Value"];
            let attribute = value["Fn::GetAtt"].as_str().and_then(|text| text.split('.').next());
            let resource = attribute.or(value["Ref"].as_str()).unwrap_or_default();
            let name = metric["MetricName"].as_str().unwrap_or_default();
            watched.insert((resource.to_owned(), name.to_owned()));
        }
    }
    watched
}

/// Returns the anchor that a heading has on the web.
fn anchor(heading: &str) -> String {
    let dashed = heading.to_lowercase().replace(' ', "-");
    dashed.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

/// Returns the section with this anchor of the alarms in docs/operations.md.
fn section(wanted: &str) -> Option<&'static str> {
    let (_, sections) = OPERATIONS.split_once("## Alarms")?;
    sections.split("\n### ").find(|section| section.lines().next().map(anchor).as_deref() == Some(wanted))
}

/// Returns the statements of the role's policies, those with a condition of the stack included.
fn statements<'a>(template: &'a Value, role: &str) -> Vec<&'a Value> {
    let policies = property(template, role, "Policies").as_array().unwrap();
    let all = policies.iter().flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap());
    all.map(|statement| statement.pointer("/Fn::If/1").unwrap_or(statement)).collect()
}

/// Returns a text, or the texts of a list.
fn texts(value: &Value) -> Vec<&str> {
    let one = value.as_str().into_iter();
    one.chain(value.as_array().into_iter().flatten().filter_map(Value::as_str)).collect()
}

/// Returns, of every statement that allows `action`, the keys that it is limited to.
fn limits<'a>(template: &'a Value, role: &str, action: &str) -> Vec<Vec<&'a str>> {
    let allows =
        |statement: &&Value| statement["Effect"] == "Allow" && texts(&statement["Action"]).contains(&action);
    let statements = statements(template, role).into_iter().filter(allows);
    let keys =
        |statement: &'a Value| &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
    statements.map(|statement| texts(keys(statement))).collect()
}

#[test]
fn queue_hides_a_message_for_longer_than_its_function_runs() {
    let template = template();
    for (function, queue) in FUNCTIONS {
        let Some(queue) = queue else { continue };
        let dead_letters = queue.replace("Queue", "DeadLetters");
        let seconds = |id: &str, name: &str| property(&template, id, name).as_u64().unwrap();
        let events = property(&template, function, "Events").as_object().unwrap();
        let sources: Vec<_> = events.values().map(|event| &event["Properties"]["Queue"]).collect();

        assert_eq!(sources, [&json!({ "Fn::GetAtt": format!("{queue}.Arn") })]);
        assert!(seconds(queue, "VisibilityTimeout") >= seconds(function, "Timeout"), "{queue}");
        let retention = |id: &str| seconds(id, "MessageRetentionPeriod");
        assert!(retention(&dead_letters) > retention(queue), "{queue}");
    }
}

#[test]
fn every_queue_has_an_alarm() {
    let template = template();
    let watched = watched(&template);
    let queues = of_type(&template, "AWS::SQS::Queue");
    assert_eq!(queues.len(), 7);
    for (queue, _) in queues {
        let is_dead = queue.ends_with("DeadLetters");
        let metric =
            if is_dead { "ApproximateNumberOfMessagesVisible" } else { "ApproximateAgeOfOldestMessage" };

        assert!(watched.contains(&(queue.to_owned(), metric.to_owned())), "{queue}");
    }
}

#[test]
fn every_function_and_the_api_have_alarms() {
    let template = template();
    let watched = watched(&template);
    let is_watched =
        |resource: &str, metric: &str| watched.contains(&(resource.to_owned(), metric.to_owned()));
    let functions = of_type(&template, "AWS::Serverless::Function");
    assert_eq!(functions.len(), FUNCTIONS.len());
    for (function, _) in functions {
        assert!(is_watched(function, "Errors") && is_watched(function, "Throttles"), "{function}");
    }
    for (resource, metric) in
        [("Api", "4xx"), ("Api", "5xx"), ("Inbound", "Duration"), ("Proactive", "Invocations")]
    {
        assert!(is_watched(resource, metric), "{resource} {metric}");
    }
    assert_eq!(property(&template, "TicksMissingAlarm", "TreatMissingData"), "breaching");
}

#[test]
fn alarm_on_the_table_counts_the_throttles_of_its_index() {
    let template = template();
    let metrics = property(&template, "TableThrottlesAlarm", "Metrics").to_string();

    for metric in ["ReadThrottleEvents", "WriteThrottleEvents", schema::BY_AUDIENCE] {
        assert_eq!(metrics.matches(metric).count(), 2, "{metric}");
    }
}

#[test]
fn every_alarm_notifies_and_names_its_runbook() {
    let template = template();
    for (id, alarm) in of_type(&template, "AWS::CloudWatch::Alarm") {
        let description = alarm["AlarmDescription"].as_str().unwrap();
        let anchor = description.split_once(" Runbook: docs/operations.md#").map_or("", |(_, anchor)| anchor);
        let section = section(anchor).unwrap_or_default();

        assert!(section.contains(&format!("`{id}`")), "docs/operations.md#{anchor} is not about {id}");
        assert_eq!(alarm["AlarmActions"], json!([{ "Ref": "Alarms" }]), "{id}");
    }
}

#[test]
fn every_log_metric_is_of_a_known_line_and_has_an_alarm() {
    let template = template();
    let filters = of_type(&template, "AWS::Logs::MetricFilter");
    let patterns: BTreeSet<_> =
        filters.iter().filter_map(|(_, filter)| filter["FilterPattern"].as_str()).collect();
    // A test of the worker compares the first with its line.
    let failed = format!(r#"{{ $.message = "{TICK_FAILED}" }}"#);
    let known = [r#"{ $.message = "paused a broadcast*" }"#, &failed];

    assert_eq!(patterns, known.into());
    for (id, filter) in filters {
        let metric = &filter["MetricTransformations"][0];
        let alarms = of_type(&template, "AWS::CloudWatch::Alarm");
        let has_alarm = alarms.iter().any(|(_, alarm)| {
            alarm["MetricName"] == metric["MetricName"] && alarm["Namespace"] == metric["MetricNamespace"]
        });
        assert!(has_alarm, "{id}");
    }
}

#[test]
fn dashboard_is_json_with_every_alarm() {
    let template = template();
    let body = property(&template, "Dashboard", "DashboardBody")["Fn::Sub"][0].as_str().unwrap();
    let mut parts = body.split("${");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap();
        let resource = name.split('.').next().unwrap();
        let is_resource = template["Resources"].get(resource).is_some();
        assert!(is_resource || name == "TableName" || name.starts_with("AWS::"), "{name}");
        plain.push_str(rest);
    }
    let dashboard: Value = serde_json::from_str(&plain).unwrap();

    for (alarm, _) in of_type(&template, "AWS::CloudWatch::Alarm") {
        assert!(body.contains(&format!("\"${{{alarm}.Arn}}\"")), "{alarm}");
    }
    let widgets = dashboard["widgets"].as_array().unwrap();
    let titles: Vec<_> =
        widgets.iter().filter_map(|widget| widget["properties"]["markdown"].as_str()).collect();
    assert_eq!(titles, ["## Door", "## Queues", "## Sends", "## Broadcasts", "## Table"]);
}

#[test]
fn every_parameter_is_limited_and_in_one_group() {
    let template = template();
    let mut parameters = Vec::new();
    for (name, parameter) in fields(&template, "/Parameters") {
        let has = |key: &str| parameter.get(key).is_some();
        let has_range = has("MinValue") && has("MaxValue");
        let has_text_limit = has("AllowedPattern") || has("MaxLength");
        let is_number = parameter["Type"] == "Number";

        assert!(has("AllowedValues") || if is_number { has_range } else { has_text_limit }, "{name}");
        assert_eq!(has("AllowedPattern"), has("ConstraintDescription"), "{name}");
        parameters.push(name);
    }
    let groups = &template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"];
    let mut grouped: Vec<_> =
        groups.as_array().unwrap().iter().flat_map(|group| texts(&group["Parameters"])).collect();
    grouped.sort_unstable();
    parameters.sort_unstable();
    assert_eq!(grouped, parameters);
}

#[test]
fn api_accepts_a_thousand_requests_per_second_by_default() {
    let template = template();
    let settings = property(&template, "Api", "DefaultRouteSettings");

    assert_eq!(settings["ThrottlingRateLimit"], json!({ "Ref": "ApiRate" }));
    assert_eq!(settings["ThrottlingBurstLimit"], json!({ "Ref": "ApiBurst" }));
    for parameter in ["ApiRate", "ApiBurst"] {
        assert!(template["Parameters"][parameter]["Default"].as_u64() >= Some(1_000), "{parameter}");
    }
}

#[test]
fn logs_and_traces_follow_their_parameters() {
    let template = template();
    for (group, properties) in of_type(&template, "AWS::Logs::LogGroup") {
        assert_eq!(properties["RetentionInDays"], json!({ "Ref": "LogRetentionDays" }), "{group}");
    }
    assert_eq!(template["Globals"]["Function"]["Tracing"], json!({ "Ref": "Tracing" }));
    for (function, _) in FUNCTIONS {
        let allowed = limits(&template, &format!("{function}Role"), "xray:PutTraceSegments");
        assert_eq!(allowed.len(), 1, "{function}");
    }
}

#[test]
fn outputs_name_what_an_operator_needs() {
    let template = template();
    let functions = FUNCTIONS.iter().map(|(function, _)| format!("{function}Function")).skip(1);
    let others = ["MessagesEndpoint", "AlarmsTopicArn", "DashboardUrl", "NextCommand"].map(str::to_owned);
    for output in functions.chain(others) {
        assert!(template["Outputs"].get(&output).is_some(), "{output}");
    }
    let command = template["Outputs"]["NextCommand"]["Value"]["Fn::Sub"][0].as_str().unwrap();
    for variable in
        ["TABLE_NAME", "TURNS_QUEUE_URL", "TASKS_QUEUE_URL", "DELIVERIES_QUEUE_URL", "SCHEDULE_GROUP"]
    {
        assert!(command.contains(&format!(" {variable}=${{")), "{variable}");
    }
    assert!(command.contains("herald doctor --worker ${WorkerTurns}"), "{command}");
}

#[test]
fn roles_query_and_write_only_what_their_functions_do() {
    let template = template();
    for role in ["InboundRole", "WorkerTurnsRole", "WorkerDeliveriesRole"] {
        assert!(limits(&template, role, "dynamodb:Query").is_empty(), "{role}");
    }
    assert_eq!(limits(&template, "WorkerTasksRole", "dynamodb:Query"), [["job#*"]]);
    for role in ["InboundRole", "WorkerTurnsRole", "WorkerTasksRole", "WorkerDeliveriesRole"] {
        assert!(limits(&template, role, "dynamodb:DeleteItem").is_empty(), "{role}");
    }
    let written = ["broadcast#*", "broadcasts", "timer#*", "timers", "held#*", "tick"];
    for action in ["PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem"] {
        let limits = limits(&template, "ProactiveRole", &format!("dynamodb:{action}"));
        assert_eq!(limits, [written], "{action}");
    }
    let read = [&written[..], &["reference#*", "person#*", "audience#*", "topic#*"]].concat();
    for action in ["GetItem", "BatchGetItem"] {
        let limits = limits(&template, "ProactiveRole", &format!("dynamodb:{action}"));
        assert_eq!(limits, std::slice::from_ref(&read), "{action}");
    }
}

#[test]
fn limits_of_roles_are_keys_of_the_table() {
    let template = template();
    let prefixed = [
        schema::JOB,
        schema::REFERENCE,
        schema::PERSON,
        schema::AUDIENCE,
        schema::TEAM,
        schema::TIMER,
        schema::HELD,
        schema::TOPIC,
        schema::BROADCAST,
        schema::KEYS,
        schema::MEMORY,
    ];
    let mut known: BTreeSet<_> = prefixed.map(|prefix| format!("{prefix}*")).into();
    known.extend([schema::TIMERS, schema::TICK, schema::BROADCASTS].map(str::to_owned));
    for (function, _) in FUNCTIONS {
        for statement in statements(&template, &format!("{function}Role")) {
            let condition = &statement["Condition"];
            let keys_of = |operator: &str| texts(&condition[operator]["dynamodb:LeadingKeys"]);
            let (all, any) = (keys_of("ForAllValues:StringLike"), keys_of("ForAnyValue:StringLike"));
            assert!(all.iter().chain(&any).all(|key| known.contains(*key)), "{statement}");
            // ForAllValues also matches a request without keys.
            assert_eq!(!all.is_empty(), condition["Null"]["dynamodb:LeadingKeys"] == "false", "{statement}");
        }
    }
}

#[test]
fn every_resource_is_allowed_only_where_the_action_supports_none() {
    let template = template();
    for (role, _) in of_type(&template, "AWS::IAM::Role") {
        for statement in statements(&template, role) {
            let sid = statement["Sid"].as_str().unwrap();
            let supports_none = ["Trace", "GetWebIdentityToken"].contains(&sid);
            assert_eq!(statement["Resource"] == "*", supports_none, "{role} {sid}");
        }
    }
}
