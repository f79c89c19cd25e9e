//! Keys of the one table: every key prefix, its sort keys, attributes, index membership and time to live.
//!
//! Partition key `pk`, sort key `sk`, both strings. `template.yaml` creates the table and grants access by these prefixes
//! (`dynamodb:LeadingKeys`); a renamed prefix is renamed there too. Values are JSON text where a record is a structure.
//!
//! | record | `pk` | `sk` | attributes | indexes | `ttl` |
//! |---|---|---|---|---|---|
//! | job of no broadcast | `job#{job id}` | `-` | `revision`, `job` | | 31 days after `expires_at` |
//! | part of a plan over 350 KB | that of its job | `{sort key of its job}#plan#{hash of the plan}#{part}` | `plan` | | that of its job |
//! | durable step of a run | `job#{job id}` | `step#{name}` | `result` | | 31 days after the job expires |
//! | signal | `signal#{hash of tenant and key}` | `-` | `revision`, `signal`, `work`, `audience` | `by_audience` until it is used | 31 days after its deadline, or 61 after the signal |
//! | conversation reference | `reference#{reference key}` | `-` | `revision`, `reference`, `details`, `event_order`, `state`, `reason`, `suspect`, `former_url`, `audience` | `by_audience` while active, but for those of a person | of a thread: 365 days after its last activity |
//! | person | `person#{person key}` | `-` | `revision`, `person`, `audience` | `by_audience` while reachable | |
//! | person who cannot be written to | `unreachable#{hash of person}` | `-` | `failure` | | 90 days, or 7 where an administrator can change it |
//! | shard of an audience that is in use | `audience#{hash of agent and kind of conversation}` | `{shard, two hexadecimal digits}` | | | |
//! | team or channel: state | `team#{hash of tenant and team or channel}` | `state` | `closed`, `event_order` | | |
//! | channel: its team | `team#{hash of tenant and channel}` | `team` | `team` | | |
//! | timer | `timer#{minute}#{shard}` | `{timer id}#{nonce of the put}` | `due`, `queue`, `body`, `group`, `dedupe` | | 31 days after `due` |
//! | timer of a paused broadcast | `held#{broadcast id}#{shard}` | `{timer id}#{nonce of the put}` | as of a timer | | 31 days after `due` |
//! | index of the timers: a minute and shard that may hold any | `timers` | `{minute, ten digits}#{shard}` | | | 31 days after the minute |
//! | lease of the tick | `tick` | `-` | `holder`, `leased_until` | | |
//! | rate of a tenant | `rate#{hash of tenant id}` | `-` | `revision`, `reserved` | | 1 hour after the last reservation |
//! | rate of a conversation | `pace#{reference key}` | `-` | `revision`, `reserved` | | 1 hour after the last reservation |
//! | subscription | `topic#{hash of agent and topic}#{shard}` | person or reference key | `subject`, `subscription`, `changed_at`, `written_at` | | 48 hours after it ended |
//! | broadcast: spec | `broadcast#{broadcast id}` | `spec` | `spec` | | 90 days |
//! | broadcast: progress | `broadcast#{broadcast id}` | `state` | `revision`, `broadcast` | | 90 days |
//! | broadcast: counts | `broadcast#{broadcast id}` | `count#{hash of tenant}#{shard}` | one number per outcome | | 90 days |
//! | broadcast: planned recipients of a tenant | `broadcast#{broadcast id}` | `count#{hash of tenant}#planned` | `planned` | | 90 days |
//! | broadcast: roster page | `broadcast#{broadcast id}` | `roster#{hash of team}#{page}` | `roster` | | 90 days |
//! | delivery: its job, and its entry of the report | `broadcast#{broadcast id}#{slice}` | job id | `revision`, `job`, `recipient`, `outcome`, `note`, `amends` | | 90 days after `expires_at` |
//! | second and later send of a delivery | `broadcast#{broadcast id}#{slice}` | job id | `revision`, `job` | | 31 days after `expires_at` |
//! | broadcast: amendment | `broadcast#{broadcast id}` | `amendment#{broadcast id of the correction or recall}` | `opened` | | 90 days |
//! | index of open broadcasts | `broadcasts` | broadcast id | `opened` | | 90 days |
//! | signing keys | `keys#{hash of metadata URL}` | `-` | `keys`, `fetched_at` | | |
//! | memory | `memory#{reference key}` | `-` | `revision`, `memory` | | when its last part expires |
//! | open stream | `stream#{reference key}` | `-` | `holder`, `until` | | 1 hour after it ended |
//! | preferences | `preferences#{person or reference key}` | `-` | `revision`, `preferences` | | |

/// Partition key of every item.
pub const PK: &str = "pk";

/// Sort key of every item.
pub const SK: &str = "sk";

/// Attribute by which DynamoDB expires items, in seconds since 1970.
pub const TTL: &str = "ttl";

/// Attribute that counts the writes of a versioned record.
pub const REVISION: &str = "revision";

/// Sort key of a record that is alone under its partition key.
pub const SINGLE: &str = "-";

/// Index of persons and of references: one audience shard. Open signals are in shards of their own.
pub const BY_AUDIENCE: &str = "by_audience";

/// Prefix of jobs.
pub const JOB: &str = "job#";

/// Prefix of the sort key of a durable step.
pub const STEP: &str = "step#";

/// Prefix of signals.
pub const SIGNAL: &str = "signal#";

/// Prefix of the index shards of open signals.
pub const SIGNALS: &str = "signals#";

/// Prefix of conversation references.
pub const REFERENCE: &str = "reference#";

/// Prefix of persons.
pub const PERSON: &str = "person#";

/// Prefix of the shards of an audience that are in use.
///
/// One is written before the first record that its shard lists, and stays, so that a planner reads only the shards that may
/// list a recipient.
pub const AUDIENCE: &str = "audience#";

/// Prefix of persons who cannot be written to.
pub const UNREACHABLE: &str = "unreachable#";

/// Prefix of teams and channels.
pub const TEAM: &str = "team#";

/// Sort key of the state of a team or channel.
pub const PLACE: &str = STATE;

/// Sort key of the team of a channel.
pub const TEAM_OF: &str = "team";

/// Prefix of timers.
pub const TIMER: &str = "timer#";

/// Prefix of timers that are parked until their broadcast resumes.
pub const HELD: &str = "held#";

/// Partition key of the index of the timers.
///
/// A partition of timers is listed before the first timer is stored in it, and removed three minutes after its own, when no
/// process puts timers into it. One query tells a tick which partitions to read, those of missed ticks among them.
pub const TIMERS: &str = "timers";

/// Partition key of the lease of the tick.
pub const TICK: &str = "tick";

/// Prefix of the rate of a tenant.
pub const RATE: &str = "rate#";

/// Prefix of the rate of a conversation.
pub const PACE: &str = "pace#";

/// Prefix of the subscriptions to a topic.
pub const TOPIC: &str = "topic#";

/// Prefix of broadcasts and of the slices of their reports.
pub const BROADCAST: &str = "broadcast#";

/// Sort key of the spec of a broadcast.
pub const SPEC: &str = "spec";

/// Sort key of the progress of a broadcast.
pub const STATE: &str = "state";

/// Prefix of the sort key of a broadcast's counts.
pub const COUNT: &str = "count#";

/// Attribute of a count of planned recipients, and end of its sort key.
pub const PLANNED: &str = "planned";

/// Prefix of the sort key of an amendment of a broadcast.
pub const AMENDMENT: &str = "amendment#";

/// Prefix of the sort key of a roster page.
pub const ROSTER: &str = "roster#";

/// Partition key of the index of open broadcasts.
pub const BROADCASTS: &str = "broadcasts";

/// Prefix of signing keys.
pub const KEYS: &str = "keys#";

/// Prefix of memories.
pub const MEMORY: &str = "memory#";

/// Prefix of open streams.
pub const STREAM: &str = "stream#";

/// Prefix of preferences.
pub const PREFERENCES: &str = "preferences#";
