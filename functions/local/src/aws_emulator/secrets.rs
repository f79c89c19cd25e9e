//! Emulates `GetSecretValue` of Secrets Manager, for the secrets of one run.
//! It has no versions and no rotation: a secret that is stored again is replaced.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// The secrets by their ARN.
#[derive(Debug, Default)]
pub(super) struct Secrets(Mutex<HashMap<String, SecretString>>);

impl Secrets {
    pub(super) fn put(&self, arn: &str, text: SecretString) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(arn.to_owned(), text);
    }

    pub(super) fn answer(&self, operation: &str, body: &[u8]) -> Response<Full<Bytes>> {
        if operation != "GetSecretValue" {
            return refuse("UnknownOperationException", "There is no such operation here.");
        }
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let arn = request["SecretId"].as_str().unwrap_or_default();
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).get(arn) {
            Some(text) => {
                let name = arn.rsplit(':').next();
                json_answer(200, &json!({ "ARN": arn, "Name": name, "SecretString": text.expose_secret() }))
            }
            None => refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret."),
        }
    }
}

fn refuse(code: &str, message: &str) -> Response<Full<Bytes>> {
    json_answer(400, &json!({ "__type": code, "Message": message }))
}

fn json_answer(status: u16, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response
}
