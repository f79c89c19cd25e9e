//! The contract of the store and the queues: what the bundle relies on in DynamoDB and SQS, as one list of checks.
//! Each runs through the adapters of production, on the embedded stack always, and on MiniStack when asked to.

use std::pin::Pin;

use services::Services;

mod bodies;
mod claims;
mod ministack;
mod queues;
mod references;
mod requests;
mod resources;
mod services;

/// A check by its name.
type Check = (&'static str, for<'a> fn(&'a Services) -> Pin<Box<dyn Future<Output = ()> + 'a>>);

/// Makes of every check a test on the embedded stack, and the list of those for another emulator.
macro_rules! contract {
    ($($about:ident { $($check:ident,)+ })+) => {
        mod embedded {
            $(mod $about {
                $(#[tokio::test]
                async fn $check() {
                    super::super::Services::embedded(super::super::$about::$check).await;
                })+
            })+
        }

        const CHECKS: &[Check] =
            &[$($((stringify!($check), |services| Box::pin($about::$check(services))),)+)+];
    };
}

// MiniStack 1.5.33 keeps all of it. A check that it ever fails to keep stays here for the embedded stack.
contract! {
    resources {
        the_table_is_the_one_of_the_template,
        the_queues_are_the_ones_of_the_template,
    }
    claims {
        of_sixteen_claims_at_once_one_is_taken,
        of_sixteen_claims_on_a_lapsed_lease_one_is_taken,
        a_losing_claim_sees_the_record_of_the_winner,
        a_claim_repeated_by_its_owner_is_taken_again,
        a_write_repeated_by_its_owner_counts_once,
        who_lost_a_lapsed_lease_cannot_write_any_more,
        a_renewed_claim_holds_beyond_its_first_lease,
        nobody_but_the_owner_renews_a_claim,
        a_write_after_a_renewal_keeps_both,
        a_renewal_beside_a_write_undoes_nothing_of_it,
        a_settled_job_stays_settled_and_holds_no_plan,
        a_plan_keeps_every_byte_of_its_text,
        a_record_outlives_every_copy_of_its_message,
    }
    references {
        the_newest_word_about_a_conversation_wins_in_either_order,
        an_old_word_does_not_undo_a_removal,
        an_old_removal_does_not_undo_a_word,
        a_removal_takes_the_reference_out_of_both_indexes,
        a_suspension_takes_the_reference_out_of_both_indexes,
        five_words_in_any_order_come_to_the_same,
        a_refusal_does_not_undo_what_was_said_later,
        who_speaks_up_again_is_back_in_both_indexes,
        a_person_is_found_by_the_agent_they_spoke_to,
        the_shards_list_every_reference_exactly_once,
        a_shard_of_several_pages_is_listed_to_its_end,
    }
    queues {
        a_group_keeps_its_order_and_holds_up_no_other,
        a_message_that_comes_back_keeps_its_place_in_its_group,
        a_copy_is_dropped_even_after_the_first_was_handled,
        the_same_id_in_another_group_is_no_copy,
        a_message_in_hand_is_seen_at_once_when_it_is_let_go,
        a_delayed_message_is_there_and_not_seen,
        a_message_received_too_often_goes_to_the_dead_letters,
        a_turn_given_up_lets_its_conversation_go_on,
        a_standard_queue_takes_groups_and_holds_none_up,
    }
    bodies {
        every_character_passes_a_queue_unchanged,
        the_largest_body_passes_every_queue,
        a_body_over_the_limit_is_refused_before_it_is_sent,
        many_messages_are_sent_ten_at_a_time,
        large_messages_are_sent_as_many_at_a_time_as_fit,
    }
}
