//! Configuration of the language model: `MODEL_BASE_URL`, `MODEL_NAME`, `MODEL_API_KEY`, `MODEL_API_KEY_ARN`.
//! The server is not contacted here.

use herald::aws::config::{ConfigError, EnvReader};
use secrecy::SecretString;
use url::{Host, Url};

/// Configuration of the language model that answers free text.
#[derive(Debug, Clone)]
pub struct Config {
    /// `MODEL_BASE_URL`: URL of an OpenAI-compatible server, e.g. `http://127.0.0.1:8080/v1`, completed to the path of
    /// chat completions.
    pub endpoint: Url,
    /// `MODEL_NAME`: name of the model on the server.
    pub name: String,
    /// API key; many local servers need none.
    pub key: Option<ConfiguredKey>,
}

/// API key of the model's server, as configured.
#[derive(Debug, Clone)]
pub enum ConfiguredKey {
    /// `MODEL_API_KEY`: the key itself; rejected on AWS, where everyone with access to the function's configuration
    /// could read it.
    Given(SecretString),
    /// `MODEL_API_KEY_ARN`: ARN of the key in Secrets Manager.
    Stored(String),
}

impl Config {
    /// Reads variables as `get` returns them; `None` if no model is configured.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], naming everything that is absent or wrong.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ConfigError> {
        let mut vars = EnvReader::new(get);
        if vars.optional("MODEL_BASE_URL").is_none() {
            for name in ["MODEL_NAME", "MODEL_API_KEY", "MODEL_API_KEY_ARN"] {
                if vars.optional(name).is_some() {
                    vars.problem(format!("MODEL_BASE_URL is not set, but {name} is"));
                }
            }
            return vars.finish(Some(None));
        }
        let endpoint = vars.parsed("MODEL_BASE_URL", |url| endpoint(&url));
        let name = vars.required("MODEL_NAME");
        let key = key(&mut vars);
        let config = || Some(Self { endpoint: endpoint?, name: name?, key });
        vars.finish(Some(config()).filter(Option::is_some))
    }
}

/// Returns the configured API key.
fn key(vars: &mut EnvReader<'_>) -> Option<ConfiguredKey> {
    let given = vars.optional("MODEL_API_KEY");
    if given.is_some() && vars.optional("AWS_LAMBDA_FUNCTION_NAME").is_some() {
        vars.problem(
            "MODEL_API_KEY is not for AWS: keep it in Secrets Manager and set MODEL_API_KEY_ARN".to_owned(),
        );
        return None;
    }
    let stored = vars.optional("MODEL_API_KEY_ARN").map(ConfiguredKey::Stored);
    stored.or_else(|| given.map(|key| ConfiguredKey::Given(key.into())))
}

/// Returns the URL of chat completions; a base URL without a path is completed by `/v1`.
fn endpoint(base: &str) -> Result<Url, &'static str> {
    let mut url = Url::parse(base).map_err(|_| "is not a URL; write e.g. https://api.example.com/v1")?;
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let has_extra = !url.username().is_empty() || url.password().is_some() || url.query().is_some();
    if has_extra || url.fragment().is_some() {
        return Err("has more than a host and a path; set the key as MODEL_API_KEY");
    }
    match (url.scheme(), is_loopback) {
        ("https", _) | ("http", true) => {}
        ("http", false) => return Err("is plain http, which is allowed for loopback only: use https"),
        _ => return Err("is neither https nor http"),
    }
    let base = match url.path().trim_end_matches('/') {
        "" => "/v1",
        path => path.strip_suffix("/chat/completions").unwrap_or(path),
    };
    let path = format!("{base}/chat/completions");
    url.set_path(&path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<Config>, String> {
        let value =
            |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Config::from_vars(value).map_err(|error| error.to_string())
    }

    #[test]
    fn model_is_optional() {
        assert!(read(&[]).unwrap().is_none());
    }

    #[test]
    fn every_problem_is_reported_at_once() {
        let text = read(&[
            ("MODEL_BASE_URL", "http://model.example.com"),
            ("MODEL_API_KEY", "hush"),
            ("AWS_LAMBDA_FUNCTION_NAME", "worker"),
        ])
        .unwrap_err();

        for part in ["MODEL_BASE_URL: is plain http", "MODEL_NAME is not set", "MODEL_API_KEY is not for AWS"]
        {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
        assert!(!text.contains("hush"));
        assert!(read(&[("MODEL_NAME", "m")]).unwrap_err().contains("MODEL_BASE_URL is not set"));
    }

    #[test]
    fn path_is_completed_and_secrets_in_urls_are_rejected() {
        for (base, expected) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/chat/completions"),
            ("http://localhost:8080/v1/", "http://localhost:8080/v1/chat/completions"),
            ("https://x.openai.azure.com/openai/v1", "https://x.openai.azure.com/openai/v1/chat/completions"),
            ("https://x.example/v1/chat/completions", "https://x.example/v1/chat/completions"),
        ] {
            assert_eq!(endpoint(base).unwrap().as_str(), expected);
        }
        for rejected in
            ["model", "ftp://x.example", "https://me:hush@x.example", "https://x.example/v1?key=hush"]
        {
            assert!(!endpoint(rejected).unwrap_err().contains("hush"));
        }
    }

    #[test]
    fn key_is_read_from_the_environment_or_by_its_arn() {
        let model = [("MODEL_BASE_URL", "http://[::1]:1/v1"), ("MODEL_NAME", "m")];
        let with = |key| read(&[model[0], model[1], key]).unwrap().unwrap().key;

        assert!(matches!(with(("MODEL_API_KEY", "hush")), Some(ConfiguredKey::Given(_))));
        assert!(
            matches!(with(("MODEL_API_KEY_ARN", "arn")), Some(ConfiguredKey::Stored(arn)) if arn == "arn")
        );
        assert!(with(("OTHER", "x")).is_none());
    }
}
