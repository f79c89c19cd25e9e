//! Steps, chunks, rejections and the end of streams.

use serde_json::json;

use super::*;
use crate::agent::turn::Turn;
use crate::protocol::activity::Activity;
use crate::protocol::channel_error::Ambiguity;

fn at(seconds: f64) -> Timestamp {
    let millis = SignedDuration::from_secs_f64(seconds);
    Timestamp::from_second(1_800_000_000).unwrap().checked_add(millis).unwrap()
}

fn stream(surface: Surface) -> Stream {
    Stream::new(surface, ActivityId::new("1:s").unwrap(), "Looking…".to_owned(), at(0.0))
}

fn text(text: &str) -> Snapshot {
    Snapshot { status: None, text: text.to_owned() }
}

fn with_text(sent_text: &str) -> Stream {
    stream(Surface::Teams).after(&Chunk::Text(sent_text.to_owned()), Ok(()), at(2.0))
}

fn rejected(rejection: RejectionReason) -> ConnectorError {
    ConnectorError::Rejected { status: 403, code: None, rejection }
}

#[test]
fn chunks_keep_the_interval_and_silence_is_broken() {
    let stream = stream(Surface::Teams);

    assert_eq!(stream.next(&text("a"), at(1.0)), Step::Wait(at(1.5)));
    assert_eq!(stream.next(&text("a"), at(1.5)), Step::Send(Chunk::Text("a".to_owned())));
    assert_eq!(stream.next(&Snapshot::default(), at(1.5)), Step::Wait(at(18.0)));
    assert_eq!(stream.next(&Snapshot::default(), at(18.0)), Step::Send(Chunk::Status("Looking…".to_owned())));
    assert_eq!(stream.next(&text("a"), at(100.0)), Step::Send(Chunk::Close));
}

#[test]
fn status_is_truncated_and_not_sent_once_there_is_text() {
    let status = |status: &str| Snapshot { status: Some(status.to_owned()), text: String::new() };
    let long = "é".repeat(2_000);

    assert_eq!(stream(Surface::Teams).next(&status("Looking…"), at(5.0)), Step::Wait(at(18.0)));
    let step = stream(Surface::Teams).next(&status(&long), at(5.0));
    assert_eq!(step, Step::Send(Chunk::Status("é".repeat(1_000))));
    let later = Snapshot { status: Some("Still looking…".to_owned()), text: "Two".to_owned() };
    assert_eq!(with_text("Two").next(&later, at(5.0)), Step::Wait(at(20.0)));
}

#[test]
fn chunks_carry_stream_id_and_sequence_except_the_final_one() {
    let stream = stream(Surface::Teams);
    let of = |activity: Activity| serde_json::to_value(activity).unwrap();

    let first = of(Chunk::first("Looking…"));
    let second = of(Chunk::Text("Two".to_owned()).activity(&stream, "Later."));
    let closing = of(Chunk::Close.activity(&with_text("Two"), "Later."));

    assert_eq!(
        first,
        json!({ "type": "typing", "text": "Looking…", "entities": [
            { "type": "streaminfo", "streamType": "informative", "streamSequence": 1 }
        ]})
    );
    assert_eq!(
        second,
        json!({ "type": "typing", "text": "Two", "entities": [
            { "type": "streaminfo", "streamId": "1:s", "streamType": "streaming", "streamSequence": 2 }
        ]})
    );
    assert_eq!(
        closing,
        json!({ "type": "message", "text": "Two\n\nLater.", "entities": [
            { "type": "streaminfo", "streamId": "1:s", "streamType": "final", "streamResult": "timeout" }
        ]})
    );
}

#[test]
fn every_rejection_of_a_chunk_has_a_defined_result() {
    let after = |error: &ConnectorError| {
        stream(Surface::Teams).after(&Chunk::Text("Two".to_owned()), Err(error), at(3.0))
    };
    let lost = ConnectorError::Ambiguous { loss: Ambiguity::LostReply, cause: "lost".into() };

    assert_eq!(after(&rejected(RejectionReason::StreamStopped)).end, Some(End::StoppedByUser));
    for over in [
        RejectionReason::StreamExpired,
        RejectionReason::StreamComplete,
        RejectionReason::StreamUnsupported,
        RejectionReason::NotOffered,
        RejectionReason::Malformed,
    ] {
        assert_eq!(after(&rejected(over)).end, Some(End::EndedByChannel), "{over:?}");
    }
    for full in [RejectionReason::TooLarge, RejectionReason::StreamBroken] {
        let full = after(&rejected(full));
        assert_eq!((full.end, full.sent_text.as_str()), (None, ""));
        assert_eq!(full.next(&text("Two laptops"), at(4.0)), Step::Wait(at(4.5)));
        assert_eq!(full.next(&text("Two laptops"), at(4.5)), Step::Send(Chunk::Close));
    }
    let gone = ConnectorError::Rejected { status: 410, code: None, rejection: RejectionReason::Other };
    assert_eq!(after(&gone).end, Some(End::StoppedByUser));
    let slowed = after(&ConnectorError::Throttled { retry_after: Some(Duration::from_secs(7)) });
    assert_eq!((slowed.end, slowed.not_before, slowed.sent_text.as_str()), (None, at(10.0), ""));
    assert_eq!(after(&ConnectorError::Busy).sent_text, "");
    assert_eq!(after(&lost).sent_text, "Two");
}

#[test]
fn busy_channel_gets_no_request_for_a_second_on_any_surface() {
    let web = stream(Surface::WebChat);
    let slowed = |error| web.clone().after(&Chunk::Text("Two".to_owned()), Err(&error), at(3.0));

    for slowed in [slowed(ConnectorError::Busy), slowed(ConnectorError::Throttled { retry_after: None })] {
        assert_eq!(slowed.next(&text("Two laptops"), at(3.5)), Step::Wait(at(4.0)));
    }
}

#[test]
fn lost_keep_alive_is_repeated_at_the_minimum_interval() {
    let keep_alive = with_text("Two").keep_alive();
    let lost = ConnectorError::Ambiguous { loss: Ambiguity::LostReply, cause: "lost".into() };

    let unacknowledged = with_text("Two").after(&keep_alive, Err(&lost), at(30.0));

    assert_eq!(unacknowledged.next(&Snapshot::default(), at(31.5)), Step::Send(keep_alive.clone()));
    let last_ack = unacknowledged.after(&keep_alive, Ok(()), at(32.0));
    assert_eq!(last_ack.next(&Snapshot::default(), at(33.5)), Step::Wait(at(50.0)));
}

#[test]
fn answer_of_a_stream_that_copilot_ended_is_a_message() {
    let finish = |surface, now| stream(surface).expire(at(now)).finish_for("Two laptops");

    assert_eq!(finish(Surface::Copilot, 39.9), Some(Finish::FinalChunk));
    assert_eq!(finish(Surface::Copilot, 40.0), Some(Finish::Message));
    assert_eq!(finish(Surface::Teams, 40.0), Some(Finish::FinalChunk));
}

#[test]
fn unacknowledged_chunks_do_not_extend_the_silence_limit() {
    let copilot = stream(Surface::Copilot);
    let lost = ConnectorError::Ambiguous { loss: Ambiguity::LostReply, cause: "lost".into() };

    let unacknowledged = copilot.clone().after(&copilot.keep_alive(), Err(&lost), at(39.0));

    assert_eq!(unacknowledged.expire(at(41.0)).end, Some(End::EndedByChannel));
    assert_eq!(stream(Surface::Teams).expire(at(115.0)).end, Some(End::EndedByChannel));
}

#[test]
fn blank_text_is_not_sent() {
    assert_eq!(stream(Surface::Teams).next(&text(" \n"), at(5.0)), Step::Wait(at(18.0)));
}

#[test]
fn close_whose_reply_was_lost_hands_the_stream_over() {
    let complete = rejected(RejectionReason::StreamComplete);

    let closed = with_text("Two").after(&Chunk::Close, Err(&complete), at(101.0));

    assert_eq!(closed.end, Some(End::HandedOver));
    assert_eq!(closed.next(&text("Two laptops"), at(103.0)), Step::Ended);
}

#[test]
fn finish_depends_on_end_text_and_surface() {
    let over = |surface| Stream { end: Some(End::EndedByChannel), ..stream(surface) };
    let stopped = Stream { end: Some(End::StoppedByUser), ..with_text("Two") };

    assert_eq!(with_text("Two").finish_for("Two laptops"), Some(Finish::FinalChunk));
    assert_eq!(with_text("Two").finish_for("Three"), Some(Finish::Update));
    assert_eq!(over(Surface::Teams).finish_for("Two"), Some(Finish::Update));
    assert_eq!(over(Surface::Copilot).finish_for("Two"), Some(Finish::Message));
    assert_eq!(over(Surface::WebChat).finish_for("Two"), Some(Finish::Message));
    assert_eq!(stopped.finish_for("Two laptops"), None);
}

#[test]
fn rejected_finish_falls_back_to_update_then_message() {
    let teams = with_text("Two");

    assert_eq!(
        teams.after_rejection(Finish::FinalChunk, RejectionReason::StreamComplete, 1),
        Ok(SkipReason::AlreadyShown)
    );
    assert_eq!(
        teams.after_rejection(Finish::FinalChunk, RejectionReason::StreamComplete, 0),
        Err(Finish::Update)
    );
    assert_eq!(
        teams.after_rejection(Finish::FinalChunk, RejectionReason::StreamStopped, 0),
        Ok(SkipReason::StoppedByUser)
    );
    assert_eq!(
        teams.after_rejection(Finish::FinalChunk, RejectionReason::StreamExpired, 0),
        Err(Finish::Update)
    );
    assert_eq!(
        teams.after_rejection(Finish::Update, RejectionReason::ActivityNotFound, 0),
        Err(Finish::Message)
    );
    assert_eq!(
        stream(Surface::Copilot).after_rejection(Finish::FinalChunk, RejectionReason::StreamBroken, 0),
        Err(Finish::Message)
    );
}

#[test]
fn long_answer_continues_in_further_messages_without_loss() {
    let long = "A line. ".repeat(20_000);
    let streamed = fit_text(&long).to_owned();

    let answer = fit_answer(&with_text(&streamed), Activity::message(long.clone()));

    let first = answer.first.text.clone().unwrap();
    assert!(first.starts_with(&streamed));
    let rest: String = answer.rest.iter().filter_map(|activity| activity.text.as_deref()).collect();
    assert_eq!(first + &rest, long);
}

#[test]
fn answer_without_text_repeats_the_streamed_text() {
    let text = |stream: &Stream| fit_answer(stream, Activity::default()).first.text.unwrap();

    assert_eq!(text(&with_text("Two laptops.")), "Two laptops.");
    assert_eq!(text(&stream(Surface::Teams)), "Looking…");
}

#[test]
fn silent_or_ended_stream_cannot_be_resumed() {
    let closed = Stream { end: Some(End::HandedOver), ..with_text("Two") };

    assert!(with_text("Two").can_resume(at(41.9)));
    assert!(!with_text("Two").can_resume(at(42.0)));
    assert!(!closed.can_resume(at(3.0)));
}

#[test]
fn only_personal_chats_on_streaming_channels_have_a_surface() {
    let surface = |channel: &str, kind: &str, entities: serde_json::Value| {
        let activity: Activity = serde_json::from_value(json!({
            "type": "message", "channelId": channel, "entities": entities,
            "serviceUrl": "https://smba.trafficmanager.net/emea/", "from": { "id": "29:you" },
            "conversation": { "id": "a:1", "conversationType": kind }, "recipient": { "id": "28:me" },
        }))
        .unwrap();
        let reference = crate::protocol::conversation::ConversationReference::of(&activity).unwrap();
        Surface::of(&Turn::new(activity, reference))
    };
    let copilot = json!([{ "type": "ProductInfo", "id": "COPILOT" }]);

    assert_eq!(surface("msteams", "personal", json!([])), Some(Surface::Teams));
    assert_eq!(surface("msteams", "personal", copilot), Some(Surface::Copilot));
    assert_eq!(surface("msteams:Copilot", "personal", json!([])), Some(Surface::Copilot));
    assert_eq!(surface("msteams:COPILOT", "groupChat", json!([])), None);
    assert_eq!(surface("msteams", "groupChat", json!([])), None);
    assert_eq!(surface("msteams", "channel", json!([])), None);
    assert_eq!(surface("webchat", "", json!([])), Some(Surface::WebChat));
    assert_eq!(surface("slack", "personal", json!([])), None);
}
