//! Loads of queries, and their CPU.

use std::sync::Arc;

use herald::clock::{Clock, SystemClock};
use local::channel_emulator::Person;
use serde_json::Value;
use support::function::cpu_seconds;
use support::measure::{Bare, Measurement, Workers, bare_settings, since};
use support::requests::RequestCounts;
use support::{Function, Program, Services};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;

use crate::{BARE, TURNS};

/// Number of users; enough that the rate limit of the channel delays no answer.
const PEOPLE: usize = 500;

/// Concurrent queries of the bare server.
const AT_A_TIME: usize = 64;

/// The processes of each function, and the queries at a time.
pub(crate) struct Load {
    pub(crate) inbound: (Program, usize),
    pub(crate) turns: (Program, usize),
    pub(crate) tasks: (Program, usize),
    pub(crate) at_a_time: usize,
}

/// Returns the users who ask.
pub(crate) fn people(services: &Services) -> Vec<Person> {
    (0..PEOPLE).map(|n| services.channel.add_person(&format!("Person {n}"))).collect()
}

/// Measures the bare server.
pub(crate) async fn measure_bare(services: &Arc<Services>, people: &[Person]) -> Measurement {
    let mut server = Bare::start(&[BARE, &bare_settings(services).to_string()]);
    let address = server.read_line().await;
    let token = services.channel.sign_claims(&services.channel.token_claims()).unwrap();
    let http = reqwest::Client::new();
    let ask = |person: Person| {
        let (services, http, token) = (services.clone(), http.clone(), token.clone());
        let url = format!("http://{address}/api/messages");
        async move {
            let activity = services.channel.message(&person, "order a laptop");
            let answer = http.post(url).bearer_auth(token).json(&activity).send().await.unwrap();
            assert_eq!(answer.status(), 202);
        }
    };
    ask_all(people, AT_A_TIME, &ask).await;
    let (begun, before) = (SystemClock.now(), server.cpu());
    ask_all(people, AT_A_TIME, &ask).await;
    Measurement { count: TURNS, wall: since(begun), cpu: server.cpu() - before }
}

impl Load {
    /// Measures all queries: the total, and the CPU seconds per thousand of each function as text.
    pub(crate) async fn measure(
        &self,
        services: &Arc<Services>,
        people: &[Person],
        requests: &RequestCounts,
    ) -> (Measurement, String) {
        let inbounds = Arc::new(Pool::start(services, self.inbound).await);
        let turns = Workers::start(services, "TurnsQueue", self.turns, &[]).await;
        let tasks = Workers::start(services, "TasksQueue", self.tasks, &[]).await;
        let ask = |person: Person| {
            let (services, inbounds) = (services.clone(), inbounds.clone());
            async move {
                let event = services.request(&person, "order a laptop");
                let accepted = inbounds.handle(event).await;
                assert_eq!(accepted["statusCode"], 202);
            }
        };
        let settled = || turns.settled() + tasks.settled();
        let all = || async {
            let (shown, settled_before) = (services.channel.texts().len(), settled());
            ask_all(people, self.at_a_time, &ask).await;
            services.channel.wait_for(shown + 2 * TURNS).await;
            while settled() < settled_before + 2 * TURNS {
                tokio::task::yield_now().await;
            }
        };
        let cpu = || {
            let inbound = inbounds.processes.iter().map(|process| cpu_seconds(*process)).sum();
            [inbound, turns.cpu(), tasks.cpu()]
        };
        all().await;
        requests.clear();
        let (begun, before) = (SystemClock.now(), cpu());
        all().await;
        let (wall, after) = (since(begun), cpu());
        turns.end().await;
        tasks.end().await;
        let parts = [0, 1, 2].map(|part| Measurement { count: TURNS, wall, cpu: after[part] - before[part] });
        let all = Measurement { count: TURNS, wall, cpu: parts.iter().map(|part| part.cpu).sum() };
        let [inbound, turns, tasks] = parts.map(|part| part.cpu_per_thousand());
        (all, format!("(inbound {inbound:.2}, turns {turns:.2}, tasks {tasks:.2})"))
    }
}

/// Processes of one function, each with one event at a time.
pub(crate) struct Pool {
    free: Semaphore,
    functions: Mutex<Vec<Function>>,
    processes: Vec<u32>,
}

impl Pool {
    pub(crate) async fn start(services: &Services, (program, count): (Program, usize)) -> Self {
        let mut functions = Vec::new();
        for _ in 0..count {
            functions.push(services.launch_with(program, &[]).await);
        }
        let processes = functions.iter().map(Function::process).collect();
        Self { free: Semaphore::new(count), functions: functions.into(), processes }
    }

    pub(crate) async fn handle(&self, event: Value) -> Value {
        let _free = self.free.acquire().await.unwrap();
        let mut function = self.functions.lock().await.pop().unwrap();
        let answer = function.handle(event).await;
        self.functions.lock().await.push(function);
        answer
    }
}

/// Sends `TURNS` queries, `at_a_time` of them concurrently, from all people in turn.
async fn ask_all<F: Future<Output = ()> + Send + 'static>(
    people: &[Person],
    at_a_time: usize,
    ask: &impl Fn(Person) -> F,
) {
    let mut asking = JoinSet::new();
    for turn in 0..TURNS {
        if asking.len() == at_a_time {
            asking.join_next().await.unwrap().unwrap();
        }
        asking.spawn(ask(people[turn % people.len()].clone()));
    }
    while let Some(asked) = asking.join_next().await {
        asked.unwrap();
    }
}
