//! Requests of pages, also after DNS rebinding: none of them reaches an operation.

use super::*;

#[tokio::test]
async fn page_of_another_origin_gets_neither_a_token_nor_a_call_nor_a_key() {
    let scene = Scene::new().await;
    let port = scene.channel.port();
    let (own, requests) = (format!("http://127.0.0.1:{port}"), scene.channel.token_requests());
    let conversation = scene.channel.personal_conversation(&scene.ada);
    let paths = [
        (Method::POST, format!("/{TENANT}/oauth2/v2.0/token")),
        (Method::POST, format!("/teams/v3/conversations/{conversation}/activities")),
        (Method::GET, "/v1/.well-known/keys".to_owned()),
    ];
    let rebound = format!("evil.example:{port}");
    let headers = [
        ("host", rebound.as_str()),
        ("host", "evil.example"),
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ];

    for (method, path) in paths {
        for (name, value) in headers {
            let request = scene.http.request(method.clone(), format!("{own}{path}"));
            let request = request.bearer_auth(&scene.token).header(name, value).form(&good_form());
            assert_eq!(request.send().await.unwrap().status().as_u16(), 403, "{name}: {value}: {path}");
        }
    }

    assert_eq!((scene.channel.token_requests(), scene.channel.key_fetches()), (requests, 0));
    assert!(scene.channel.entries().is_empty());
    for name in ["127.0.0.1", "localhost"] {
        let host = format!("{name}:{port}");
        let request = scene.http.get(format!("{own}/v1/.well-known/keys")).header("host", host);
        assert_eq!(request.send().await.unwrap().status().as_u16(), 200, "{name}");
    }
}
