//! The contract of the store and the queues: the guarantees that the bundle needs from DynamoDB and SQS, as one list of
//! checks. Each check uses the production adapters, on the embedded emulator always, and on MiniStack on demand.

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
mod timers;

/// A check and its name.
type Check = (&'static str, for<'a> fn(&'a Services) -> Pin<Box<dyn Future<Output = ()> + 'a>>);

/// Turns every check into a test on the embedded emulator, and into an entry of the list for other emulators.
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

// MiniStack 1.5.33 passes all checks. A check that MiniStack fails stays here for the embedded emulator.
contract! {
    resources {
        table_matches_the_template,
        queues_match_the_template,
    }
    claims {
        one_of_sixteen_concurrent_claims_is_acquired,
        one_of_sixteen_claims_on_an_expired_lease_is_acquired,
        losing_claim_sees_the_record_of_the_winner,
        claim_repeated_by_its_owner_is_acquired_again,
        write_repeated_by_its_owner_counts_once,
        owner_of_a_lost_lease_cannot_write,
        renewed_claim_holds_beyond_its_first_lease,
        only_the_owner_renews_a_claim,
        write_after_a_renewal_keeps_both,
        concurrent_renewal_keeps_a_write,
        completed_job_stays_completed_and_holds_no_plan,
        plan_keeps_every_byte_of_its_text,
        record_outlives_every_copy_of_its_message,
    }
    references {
        newest_update_of_a_reference_wins_in_either_order,
        old_update_does_not_undo_a_removal,
        old_removal_does_not_undo_an_update,
        removal_takes_the_reference_out_of_both_indexes,
        suspension_takes_the_reference_out_of_both_indexes,
        five_updates_in_any_order_give_the_same_record,
        rejection_does_not_undo_a_later_update,
        user_who_writes_again_is_back_in_both_indexes,
        person_is_found_by_the_agent_they_wrote_to,
        shards_list_every_reference_exactly_once,
        shard_of_several_pages_is_listed_completely,
    }
    queues {
        message_group_keeps_its_order_and_blocks_no_other,
        redelivered_message_keeps_its_place_in_its_group,
        duplicate_is_dropped_even_after_the_first_was_handled,
        same_id_in_another_group_is_no_duplicate,
        message_is_visible_at_once_after_visibility_reset,
        delayed_message_is_counted_and_not_visible,
        message_received_too_often_goes_to_the_dead_letter_queue,
        dead_lettered_turn_unblocks_its_conversation,
        standard_queue_accepts_groups_and_blocks_none,
    }
    bodies {
        every_character_passes_a_queue_unchanged,
        largest_body_passes_every_queue,
        body_over_the_limit_is_rejected_before_it_is_sent,
        messages_are_sent_in_batches_of_ten,
        large_messages_are_sent_in_batches_that_fit,
    }
    timers {
        timers_are_listed_until_the_horizon_and_removed_in_batches,
        one_tick_holds_the_lease_until_it_ends,
        planned_recipients_of_many_tenants_are_replaced,
    }
}
