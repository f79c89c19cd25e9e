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
    Stream::begun(surface, ActivityId::new("1:s").unwrap(), "Looking…".to_owned(), at(0.0))
}

fn text(text: &str) -> Latest {
    Latest { status: None, text: text.to_owned() }
}

fn sent_text(sent_text: &str) -> Stream {
    stream(Surface::Teams).after(&Chunk::Text(sent_text.to_owned()), Ok(()), at(2.0))
}

fn refused(refusal: RejectionReason) -> ConnectorError {
    ConnectorError::Rejected { status: 403, code: None, reason: refusal }
}

#[test]
fn news_waits_for_its_turn_and_silence_is_broken() {
    let stream = stream(Surface::Teams);

    assert_eq!(stream.next(&text("a"), at(1.0)), Step::Wait(at(1.5)));
    assert_eq!(stream.next(&text("a"), at(1.5)), Step::Send(Chunk::Text("a".to_owned())));
    assert_eq!(stream.next(&Latest::default(), at(1.5)), Step::Wait(at(18.0)));
    assert_eq!(stream.next(&Latest::default(), at(18.0)), Step::Send(Chunk::Status("Looking…".to_owned())));
    assert_eq!(stream.next(&text("a"), at(100.0)), Step::Send(Chunk::Close));
}

#[test]
fn a_status_is_shown_until_there_is_text_and_cut_where_it_is_long() {
    let status = |status: &str| Latest { status: Some(status.to_owned()), text: String::new() };
    let long = "é".repeat(2_000);

    assert_eq!(stream(Surface::Teams).next(&status("Looking…"), at(5.0)), Step::Wait(at(18.0)));
    let step = stream(Surface::Teams).next(&status(&long), at(5.0));
    assert_eq!(step, Step::Send(Chunk::Status("é".repeat(1_000))));
    let later = Latest { status: Some("Still looking…".to_owned()), text: "Two".to_owned() };
    assert_eq!(sent_text("Two").next(&later, at(5.0)), Step::Wait(at(20.0)));
}

#[test]
fn chunks_are_numbered_and_name_their_stream_and_the_last_is_not_numbered() {
    let stream = stream(Surface::Teams);
    let of = |activity: Activity| serde_json::to_value(activity).unwrap();

    let first = of(Chunk::first("Looking…"));
    let second = of(Chunk::Text("Two".to_owned()).activity(&stream, "Later."));
    let closing = of(Chunk::Close.activity(&sent_text("Two"), "Later."));

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
fn every_refusal_of_a_chunk_leads_somewhere() {
    let after = |error: &ConnectorError| {
        stream(Surface::Teams).after(&Chunk::Text("Two".to_owned()), Err(error), at(3.0))
    };
    let lost = ConnectorError::Ambiguous { loss: Ambiguity::LostReply, cause: "lost".into() };

    assert_eq!(after(&refused(RejectionReason::StreamStopped)).end, Some(End::StoppedByUser));
    for over in [
        RejectionReason::StreamExpired,
        RejectionReason::StreamComplete,
        RejectionReason::StreamUnsupported,
        RejectionReason::NotOffered,
        RejectionReason::Malformed,
    ] {
        assert_eq!(after(&refused(over)).end, Some(End::EndedByChannel), "{over:?}");
    }
    for full in [RejectionReason::TooLarge, RejectionReason::StreamBroken] {
        let full = after(&refused(full));
        assert_eq!((full.end, full.sent_text.as_str()), (None, ""));
        assert_eq!(full.next(&text("Two laptops"), at(4.0)), Step::Wait(at(4.5)));
        assert_eq!(full.next(&text("Two laptops"), at(4.5)), Step::Send(Chunk::Close));
    }
    let gone = ConnectorError::Rejected { status: 410, code: None, reason: RejectionReason::Other };
    assert_eq!(after(&gone).end, Some(End::StoppedByUser));
    let slowed = after(&ConnectorError::Throttled { retry_after: Some(Duration::from_secs(7)) });
    assert_eq!((slowed.end, slowed.not_before, slowed.sent_text.as_str()), (None, at(10.0), ""));
    assert_eq!(after(&ConnectorError::Busy).sent_text, "");
    assert_eq!(after(&lost).sent_text, "Two");
}

#[test]
fn a_channel_that_is_busy_is_left_alone_for_a_second_at_any_pace() {
    let web = stream(Surface::WebChat);
    let slowed = |error| web.clone().after(&Chunk::Text("Two".to_owned()), Err(&error), at(3.0));

    for slowed in [slowed(ConnectorError::Busy), slowed(ConnectorError::Throttled { retry_after: None })] {
        assert_eq!(slowed.next(&text("Two laptops"), at(3.5)), Step::Wait(at(4.0)));
    }
}

#[test]
fn silence_is_broken_again_soon_where_the_channel_did_not_hear() {
    let again = sent_text("Two").keep_alive();
    let lost = ConnectorError::Ambiguous { loss: Ambiguity::LostReply, cause: "lost".into() };

    let unheard = sent_text("Two").after(&again, Err(&lost), at(30.0));

    assert_eq!(unheard.next(&Latest::default(), at(31.5)), Step::Send(again.clone()));
    let last_ack = unheard.after(&again, Ok(()), at(32.0));
    assert_eq!(last_ack.next(&Latest::default(), at(33.5)), Step::Wait(at(50.0)));
}

#[test]
fn an_answer_to_a_stream_that_copilot_gave_up_is_a_message() {
    let way = |surface, now| stream(surface).expire(at(now)).way("Two laptops");

    assert_eq!(way(Surface::Copilot, 39.9), Some(Finish::FinalChunk));
    assert_eq!(way(Surface::Copilot, 40.0), Some(Finish::Message));
    assert_eq!(way(Surface::Teams, 40.0), Some(Finish::FinalChunk));
}

#[test]
fn a_channel_that_heard_nothing_of_what_was_sent_has_given_up_all_the_same() {
    let copilot = stream(Surface::Copilot);
    let lost = ConnectorError::Ambiguous { loss: Ambiguity::LostReply, cause: "lost".into() };

    let unheard = copilot.clone().after(&copilot.keep_alive(), Err(&lost), at(39.0));

    assert_eq!(unheard.expire(at(41.0)).end, Some(End::EndedByChannel));
    assert_eq!(stream(Surface::Teams).expire(at(115.0)).end, Some(End::EndedByChannel));
}

#[test]
fn blanks_are_no_news() {
    assert_eq!(stream(Surface::Teams).next(&text(" \n"), at(5.0)), Step::Wait(at(18.0)));
}

#[test]
fn a_close_whose_reply_was_lost_has_closed() {
    let complete = refused(RejectionReason::StreamComplete);

    let closed = sent_text("Two").after(&Chunk::Close, Err(&complete), at(101.0));

    assert_eq!(closed.end, Some(End::HandedOver));
    assert_eq!(closed.next(&text("Two laptops"), at(103.0)), Step::Ended);
}

#[test]
fn an_answer_goes_where_its_stream_leaves_room_for_it() {
    let over = |surface| Stream { end: Some(End::EndedByChannel), ..stream(surface) };
    let stopped = Stream { end: Some(End::StoppedByUser), ..sent_text("Two") };

    assert_eq!(sent_text("Two").way("Two laptops"), Some(Finish::FinalChunk));
    assert_eq!(sent_text("Two").way("Three"), Some(Finish::Update));
    assert_eq!(over(Surface::Teams).way("Two"), Some(Finish::Update));
    assert_eq!(over(Surface::Copilot).way("Two"), Some(Finish::Message));
    assert_eq!(over(Surface::WebChat).way("Two"), Some(Finish::Message));
    assert_eq!(stopped.way("Two laptops"), None);
}

#[test]
fn a_refused_end_is_followed_by_the_next_way_and_the_last_is_a_message() {
    let teams = sent_text("Two");

    assert_eq!(
        teams.after_refusal(Finish::FinalChunk, RejectionReason::StreamComplete, 1),
        Ok(Shown::Already)
    );
    assert_eq!(
        teams.after_refusal(Finish::FinalChunk, RejectionReason::StreamComplete, 0),
        Err(Finish::Update)
    );
    assert_eq!(
        teams.after_refusal(Finish::FinalChunk, RejectionReason::StreamStopped, 0),
        Ok(Shown::Unwanted)
    );
    assert_eq!(
        teams.after_refusal(Finish::FinalChunk, RejectionReason::StreamExpired, 0),
        Err(Finish::Update)
    );
    assert_eq!(
        teams.after_refusal(Finish::Update, RejectionReason::ActivityNotFound, 0),
        Err(Finish::Message)
    );
    assert_eq!(
        stream(Surface::Copilot).after_refusal(Finish::FinalChunk, RejectionReason::StreamBroken, 0),
        Err(Finish::Message)
    );
}

#[test]
fn a_text_that_one_activity_does_not_hold_goes_on_behind_it_and_nothing_is_lost() {
    let long = "A word. ".repeat(20_000);
    let shown_so_far = shown(&long).to_owned();

    let answer = answer(&sent_text(&shown_so_far), Activity::message(long.clone()));

    let first = answer.first.text.clone().unwrap();
    assert!(first.starts_with(&shown_so_far));
    let rest: String = answer.rest.iter().filter_map(|activity| activity.text.as_deref()).collect();
    assert_eq!(first + &rest, long);
}

#[test]
fn an_answer_without_a_text_ends_its_stream_with_what_was_told() {
    let text = |stream: &Stream| answer(stream, Activity::default()).first.text.unwrap();

    assert_eq!(text(&sent_text("Two laptops.")), "Two laptops.");
    assert_eq!(text(&stream(Surface::Teams)), "Looking…");
}

#[test]
fn nobody_goes_on_with_a_stream_that_was_silent_for_long_or_is_over() {
    let closed = Stream { end: Some(End::HandedOver), ..sent_text("Two") };

    assert!(sent_text("Two").is_fresh(at(41.9)));
    assert!(!sent_text("Two").is_fresh(at(42.0)));
    assert!(!closed.is_fresh(at(3.0)));
}

#[test]
fn answers_are_streamed_to_one_person_on_channels_that_know_how() {
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
    assert_eq!(surface("msteams", "groupChat", json!([])), None);
    assert_eq!(surface("msteams", "channel", json!([])), None);
    assert_eq!(surface("webchat", "", json!([])), Some(Surface::WebChat));
    assert_eq!(surface("slack", "personal", json!([])), None);
}
