//! Tests of reading a template: notations of YAML, intrinsic functions, and the errors of what is missing.

mod deployment;

use serde_json::json;

use super::document::Document;
use super::*;

/// A template with the resources that are read here, in every notation of YAML that templates use.
pub(crate) const TEMPLATE: &str = r#"
AWSTemplateFormatVersion: 2010-09-09
Transform: AWS::Serverless-2016-10-31
Parameters:
  DigestZone: { Type: String, Default: Europe/Zurich }
  TurnsVisibility: { Type: Number, Default: 360 }
Conditions:
  Alarmed: !Not [!Equals [!Ref DigestZone, ""]]
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    Properties:
      BillingMode: PAY_PER_REQUEST
      SSESpecification: !If [Alarmed, { SSEEnabled: true }, !Ref AWS::NoValue]
      AttributeDefinitions:
        - { AttributeName: pk, AttributeType: S }
        - { AttributeName: sk, AttributeType: S }
        - { AttributeName: gsi1pk, AttributeType: S }
        - { AttributeName: gsi1sk, AttributeType: S }
        - { AttributeName: gsi2pk, AttributeType: S }
      KeySchema:
        - { AttributeName: pk, KeyType: HASH }
        - { AttributeName: sk, KeyType: RANGE }
      GlobalSecondaryIndexes:
        - IndexName: gsi1
          KeySchema: [{ AttributeName: gsi1pk, KeyType: HASH }, { AttributeName: gsi1sk, KeyType: RANGE }]
          Projection: { ProjectionType: ALL }
        - IndexName: gsi2
          KeySchema: [{ AttributeName: gsi2pk, KeyType: HASH }, { AttributeName: sk, KeyType: RANGE }]
          Projection: { ProjectionType: KEYS_ONLY }
      TimeToLiveSpecification: { AttributeName: expires_at, Enabled: true }
  TurnsQueue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub "${AWS::StackName}-turns.fifo"
      FifoQueue: true
      DeduplicationScope: messageGroup
      FifoThroughputLimit: perMessageGroupId
      VisibilityTimeout: !Ref TurnsVisibility
      RedrivePolicy:
        deadLetterTargetArn: !GetAtt TurnsDeadLetters.Arn
        maxReceiveCount: 10
  TurnsDeadLetters:
    Type: AWS::SQS::Queue
    Properties: { FifoQueue: true, MessageRetentionPeriod: 1209600 }
  TasksQueue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 5400
      RedrivePolicy:
        deadLetterTargetArn: { "Fn::GetAtt": [TasksDeadLetters, Arn] }
        maxReceiveCount: 2
  TasksDeadLetters: { Type: AWS::SQS::Queue }
  DeliveriesQueue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 720
      RedrivePolicy: { deadLetterTargetArn: !GetAtt [DeliveriesDeadLetters, Arn], maxReceiveCount: 1000 }
  DeliveriesDeadLetters: { Type: AWS::SQS::Queue }
  WorkerFunction:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Turns: { Type: SQS, Properties: { Queue: !GetAtt TurnsQueue.Arn, BatchSize: 1 } }
        Tasks: { Type: SQS, Properties: { Queue: !GetAtt TasksQueue.Arn } }
  ProactiveFunction:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Tick:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: rate(1 minute)
            Input: '{"tick":"<aws.scheduler.scheduled-time>"}'
  Digest:
    Type: AWS::Scheduler::Schedule
    Properties:
      Name: !Sub "${AWS::StackName}-digest"
      ScheduleExpression: cron(0 9 ? * MON-FRI *)
      ScheduleExpressionTimezone: !Ref DigestZone
      Target:
        Arn: !GetAtt ProactiveFunction.Arn
        Input: !Sub '{"notification":"<aws.scheduler.schedule-arn>","at":"<aws.scheduler.scheduled-time>","of":["${DigestZone}"]}'
"#;

#[test]
fn template_defines_the_table_the_queues_and_the_schedules() {
    let template = Template::parse(TEMPLATE).unwrap();

    assert_eq!(template.table.ttl_attribute, "expires_at");
    assert_eq!(template.table.indexes.len(), 2);
    assert_eq!(template.queues.len(), 6);
    let turns = template.queue("TurnsQueue").unwrap();
    assert_eq!((turns.name.as_str(), turns.fifo), ("herald-turns.fifo", true));
    assert_eq!(turns.attributes["VisibilityTimeout"], "360");
    assert_eq!(turns.attributes["DeduplicationScope"], "messageGroup");
    let redrive = Redrive { dead_letter_queue: "TurnsDeadLetters".to_owned(), max_receive_count: 10 };
    assert_eq!(turns.redrive, Some(redrive));
    let mut schedules: Vec<_> =
        template.schedules.iter().map(|s| (s.name.as_str(), s.target.as_str())).collect();
    schedules.sort_unstable();
    assert_eq!(
        schedules,
        [("ProactiveFunctionTick", "ProactiveFunction"), ("herald-digest", "ProactiveFunction")]
    );
}

#[test]
fn event_source_of_a_queue_has_its_batch_size_or_that_of_sqs() {
    let template = Template::parse(TEMPLATE).unwrap();

    let sources = ["TurnsQueue", "TasksQueue", "DeliveriesQueue"].map(|queue| {
        let source = template.event_source(queue)?;
        Some((source.function.as_str(), source.batch_size))
    });

    assert_eq!(sources, [Some(("WorkerFunction", 1)), Some(("WorkerFunction", 10)), None]);
}

#[test]
fn event_of_a_run_has_the_schedule_and_its_time() {
    let template = Template::parse(TEMPLATE).unwrap();
    let digest = template.schedules.iter().find(|schedule| schedule.logical_id == "Digest").unwrap();

    let at = digest.next_after("2026-11-20T08:00:00Z".parse().unwrap()).unwrap();

    assert_eq!(
        fire(digest, at),
        json!({
            "notification": "arn:aws:scheduler:us-east-1:000000000000:schedule/default/herald-digest",
            "at": "2026-11-23T08:00:00Z",
            "of": ["Europe/Zurich"],
        })
    );
}

#[test]
fn missing_or_invalid_property_is_named() {
    let edits = [
        ("  Table:", "  Other:", "the template has no resource `Table`"),
        ("TasksQueue:", "JobsQueue:", "the template has no resource `TasksQueue`"),
        ("  TasksDeadLetters:", "  Dead:", "the template has no resource `TasksDeadLetters`"),
        (
            "{ AttributeName: expires_at, Enabled: true }",
            "{}",
            "resource `Table` has no `TimeToLiveSpecification.AttributeName`",
        ),
        (
            "VisibilityTimeout: 5400",
            "VisibilityTimeout: !If [Alarmed, 1, 2]",
            "`VisibilityTimeout` of resource `TasksQueue` is invalid: Fn::If cannot be evaluated without a deployment",
        ),
        (
            "!Ref TurnsVisibility",
            "!Ref Nothing",
            "`VisibilityTimeout` of resource `TurnsQueue` is invalid: Nothing is neither a parameter nor a resource",
        ),
        (
            "BatchSize: 1 ",
            "BatchSize: one ",
            "`Events.Turns.Properties.BatchSize` of resource `WorkerFunction` is invalid: invalid digit found in string",
        ),
        ("rate(1 minute)", "rate(1 minutes)", "schedule `ProactiveFunctionTick` is invalid"),
        (
            "maxReceiveCount: 10\n",
            "maxReceiveCount: ten\n",
            "`RedrivePolicy.maxReceiveCount` of resource `TurnsQueue` is invalid: invalid digit found in string",
        ),
    ];
    for (part, instead, complaint) in edits {
        assert!(TEMPLATE.contains(part), "{part}");

        let error = Template::parse(&TEMPLATE.replacen(part, instead, 1)).unwrap_err();

        assert_eq!(error.to_string(), complaint);
    }
}

/// Returns the names of the schedules with a `rate` that are not the tick; deployed, each would run at once.
fn rates_beside_the_tick(template: &str) -> Vec<String> {
    let schedules = Template::parse(template).unwrap().schedules.into_iter();
    let is_other = |schedule: &ScheduleDefinition| schedule.input != json!({ "version": 1, "tick": true });
    schedules
        .filter(|schedule| schedule.schedule_expression.rate().is_some() && is_other(schedule))
        .map(|schedule| schedule.name)
        .collect()
}

#[test]
fn only_the_tick_of_the_template_runs_at_a_rate() {
    let digest = "cron(0 8 ? * MON-FRI *)";
    let changed = crate::TEMPLATE.replace(digest, "rate(1 day)");

    assert!(crate::TEMPLATE.contains(digest));
    assert_eq!(rates_beside_the_tick(crate::TEMPLATE), [""; 0]);
    assert_eq!(rates_beside_the_tick(&changed), ["morning-digest"]);
}

#[test]
fn every_schedule_but_the_tick_has_a_dead_letter_queue() {
    for schedule in Template::parse(crate::TEMPLATE).unwrap().schedules {
        let is_tick = schedule.name == "tick";

        assert_eq!(schedule.dead_letters.is_none(), is_tick, "{}", schedule.name);
    }
}

#[test]
fn concurrency_of_every_queue_is_a_parameter() {
    let document = Document::parse(crate::TEMPLATE).unwrap();
    let concurrency_of = |function: &str, event: &str| {
        let function = document.resources().find(|resource| resource.id == function).unwrap();
        function.text(&format!("Events.{event}.Properties.ScalingConfig.MaximumConcurrency")).unwrap()
    };

    assert_eq!(concurrency_of("WorkerTurns", "Turns").as_deref(), Some("100"));
    assert_eq!(concurrency_of("WorkerTasks", "Tasks").as_deref(), Some("100"));
    assert_eq!(concurrency_of("WorkerDeliveries", "Deliveries").as_deref(), Some("10"));
    assert_eq!(crate::TEMPLATE.matches("MaximumConcurrency: !Ref ").count(), 3);
    assert_eq!(crate::TEMPLATE.matches("MinValue: 2\n    MaxValue: 1000").count(), 3);
}

#[test]
fn every_use_of_the_table_allows_for_an_existing_one() {
    let body = crate::TEMPLATE;
    let created = body.matches("!GetAtt Table.Arn").count() + body.matches("!Ref Table]").count();

    assert_eq!(created, body.matches("!If [AdoptsTable, ").count());
    assert!(!body.contains("!Ref Table\n"));
    assert_eq!(body.matches("${Table.Arn}").count(), body.matches("${ExistingTableName}/index").count());
}
