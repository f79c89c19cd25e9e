//! Each check is necessary: without it, at least one request of the corpus gets another response. Only debug builds can
//! disable a check.

use herald::channel::auth::{Check, Checks};

use super::setup::Setup;
use super::{print, row};

/// Size of a request that takes long to read.
const LONG: usize = 20_000;

#[tokio::test]
async fn every_disabled_check_changes_some_response() {
    let mut setup = Setup::without_storage().await;
    let mut refused = Vec::new();
    for row in row::all().into_iter().filter(|row| !row.row.starts_with('G')) {
        let mutations = row.mutations.iter().filter(|mutation| (400..500).contains(&mutation.expect));
        for (index, mutation) in mutations.enumerate() {
            refused.push((index, row.row.clone(), setup.builder.request(mutation)));
        }
    }
    // One of each row before the second of any, and the long ones last, because all are repeated per check.
    refused.sort_by_cached_key(|(index, _, request)| (request.event.to_string().len() > LONG, *index));
    let mut table = Vec::new();
    let mut missed = Vec::new();

    for check in Check::ALL {
        for inbound in [&mut setup.inbound, &mut setup.with_callers] {
            inbound.validator.checks = Checks::without(*check);
            inbound.authenticator.checks = Checks::without(*check);
        }
        let mut noticed = None;
        for (_, row, request) in &refused {
            let status = setup.play(request).await.status;
            if status != request.mutation.expect {
                noticed = Some(format!("{row} answers {status} instead of {}", request.mutation.expect));
                break;
            }
        }
        match noticed {
            Some(noticed) => table.push(format!("{:<20} {noticed}", format!("{check:?}"))),
            None => missed.push(check),
        }
    }

    assert!(missed.is_empty(), "nothing in the corpus depends on {missed:?}");
    print(&format!("with a check off, the first row that notices:\n{}", table.join("\n")));
}
