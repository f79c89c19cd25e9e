//! Regional service URLs: activities name them, tokens are for them, and calls under another one are rejected.

use serde_json::json;

use super::*;

#[tokio::test]
async fn conversation_of_a_region_is_reached_there_and_under_the_global_url() {
    let scene = Scene::new().await;
    let home = scene.channel.personal_conversation(&scene.ada);
    let anywhere = scene.channel.open_conversation(&scene.ada);
    let person = json!({ "members": [{ "id": scene.ada.id }], "tenantId": TENANT });
    let status = async |region: &str, path: &str, body: Value| {
        let url = format!("{}v3/conversations{path}", scene.channel.regional_url(region));
        let request = scene.http.post(url).bearer_auth(&scene.token).json(&body);
        read(request.send().await.unwrap()).await
    };
    let with_tenant = format!("apac/{TENANT}");
    scene.channel.set_region(&home, &with_tenant);

    let rows = [
        (with_tenant.as_str(), [201, 201, 201]),
        ("apac", [201, 201, 201]),
        ("teams", [201, 201, 201]),
        ("jp", [403, 201, 403]),
        ("emea", [403, 201, 403]),
        ("elsewhere", [404, 404, 404]),
    ];
    let message = json!({ "type": "message", "text": "hello" });
    for (region, expected) in rows {
        let at_home = status(region, &format!("/{home}/activities"), message.clone()).await;
        let other = status(region, &format!("/{anywhere}/activities"), message.clone()).await;
        let created = status(region, "", person.clone()).await;
        assert_eq!([at_home.0, other.0, created.0], expected, "{region}");
        if at_home.0 == 403 {
            let error = json!({ "code": "BadArgument", "message": "User is from different region" });
            assert_eq!((&at_home.1["error"], &created.1["error"]), (&error, &error), "{region}");
        }
    }
}

#[tokio::test]
async fn token_of_an_activity_is_for_its_regional_url_and_for_no_foreign_one() {
    let scene = Scene::new().await;
    let conversation = scene.channel.personal_conversation(&scene.ada);
    scene.channel.set_region(&conversation, "emea");
    let message = scene.channel.message(&scene.ada, "hello");
    let claim = |url: &str| {
        let mut other = message.clone();
        other["serviceUrl"] = json!(url);
        scene.channel.token_claims_for(&other)["serviceurl"].clone()
    };

    assert_eq!(message["serviceUrl"], scene.channel.regional_url("emea"));
    assert_eq!(scene.channel.token_claims_for(&message)["serviceurl"], message["serviceUrl"]);
    let global = json!(scene.channel.service_url());
    for foreign in [
        "https://smba.trafficmanager.net/emea/".to_owned(),
        scene.channel.regional_url("elsewhere"),
        scene.channel.service_url() + "a/b/",
        format!("http://127.0.0.1:{}1/emea/", scene.channel.port()),
    ] {
        assert_eq!(claim(&foreign), global, "{foreign}");
    }
}
