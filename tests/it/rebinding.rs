//! A web page that rebinds its name to this machine: neither the emulated channel nor the emulated services of AWS
//! answer it, and it knows no secret of the agent.

use reqwest::header::{HOST, ORIGIN};
use serde_json::{Value, json};
use support::{ScriptedEngine, TestBundle};

#[tokio::test]
async fn rebound_page_cannot_speak_as_the_emulated_agent() {
    let bundle = TestBundle::with(ScriptedEngine::replying("Hello.")).await;
    let alex = bundle.channel().add_person("Alex");
    bundle.ask(&alex, "hello").await;
    let (channel, http) = (bundle.channel(), reqwest::Client::new());
    let origin = format!("http://127.0.0.1:{}", channel.port());
    let issued = channel.token_requests();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", local::EMULATED_CLIENT_ID),
        ("client_secret", "emulated"),
        ("scope", "https://api.botframework.com/.default"),
    ];
    let token_url = format!("{origin}/{}/oauth2/v2.0/token", alex.tenant);
    let rebound = format!("evil.example:{}", channel.port());

    let by_page = http.post(&token_url).header(HOST, &rebound).form(&form).send().await.unwrap();
    let by_origin =
        http.post(&token_url).header(ORIGIN, "http://evil.example").form(&form).send().await.unwrap();
    let is_counted = channel.token_requests() > issued;
    // A program of this machine is answered, and does not know the secret.
    let by_program = http.post(&token_url).form(&form).send().await.unwrap();
    let refused = by_program.status().as_u16();
    let error: Value = by_program.json().await.unwrap();
    let conversation = channel.personal_conversation(&alex);
    let message = http
        .post(format!("{}v3/conversations/{conversation}/activities", channel.service_url()))
        .header(HOST, &rebound)
        .json(&json!({ "type": "message", "text": "Call this number." }))
        .send()
        .await
        .unwrap();
    let stack = bundle.local().stack.endpoint();
    let services = http.post(stack).header(HOST, &rebound).body("{}").send().await.unwrap();

    assert_eq!([by_page.status(), by_origin.status(), message.status(), services.status()], [403; 4]);
    assert!(!is_counted);
    assert_eq!((refused, &error["error_codes"]), (401, &json!([7_000_215])));
    assert_eq!(channel.texts(), ["Hello."]);
    bundle.end().await;
}
