//! Configuration of the language model: the variables `MODEL_…`.
//! The server is not contacted here.

use herald::aws::config::{ConfigError, EnvReader};
use secrecy::SecretString;
use url::{Host, Url};

/// Configuration of the language model that answers free text.
#[derive(Debug, Clone)]
pub struct Config {
    /// `MODEL_BASE_URL`: URL of an OpenAI-compatible server, e.g. `http://127.0.0.1:8080/v1`, completed to the path of
    /// chat completions. That of Azure OpenAI may have `?api-version=…`.
    pub endpoint: Url,
    /// `MODEL_NAME`: name of the model on the server.
    pub name: String,
    /// API key; many local servers need none.
    pub key: Option<ConfiguredKey>,
    /// Header of the key, by the server.
    pub key_header: KeyHeader,
    /// `MODEL_SYSTEM_PROMPT`: the model's role, instead of that of the engine.
    pub system_prompt: Option<String>,
    /// `MODEL_TEMPERATURE`: from 0 to 2; the server decides if it is not set, and some models allow no other.
    pub temperature: Option<f64>,
}

/// Header that carries the API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyHeader {
    /// `Authorization: Bearer …`.
    Bearer,
    /// `api-key: …`, that of Azure OpenAI.
    ApiKey,
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

/// Variables that have no effect without `MODEL_BASE_URL`.
const OTHERS: [&str; 5] =
    ["MODEL_NAME", "MODEL_API_KEY", "MODEL_API_KEY_ARN", "MODEL_SYSTEM_PROMPT", "MODEL_TEMPERATURE"];

/// Domains of Azure's model servers.
const AZURE_DOMAINS: [&str; 4] =
    ["openai.azure.com", "openai.azure.us", "cognitiveservices.azure.com", "services.ai.azure.com"];

/// Query parameter of Azure OpenAI.
const API_VERSION: &str = "api-version";

impl Config {
    /// Reads variables as `get` returns them; `None` if no model is configured.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], naming everything that is absent or wrong.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ConfigError> {
        let mut vars = EnvReader::new(get);
        if vars.optional("MODEL_BASE_URL").is_none() {
            for name in OTHERS {
                if vars.optional(name).is_some() {
                    vars.problem(format!("MODEL_BASE_URL is not set, but {name} is"));
                }
            }
            return vars.finish(Some(None));
        }
        let endpoint = vars.parsed("MODEL_BASE_URL", |url| endpoint(&url));
        let name = vars.required("MODEL_NAME");
        let key = key(&mut vars);
        let system_prompt = vars.optional("MODEL_SYSTEM_PROMPT");
        let temperature = temperature(&mut vars);
        let config = || {
            let endpoint = endpoint?;
            let key_header = key_header(&endpoint);
            Some(Self { endpoint, name: name?, key, key_header, system_prompt, temperature })
        };
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

/// Returns the configured temperature.
fn temperature(vars: &mut EnvReader<'_>) -> Option<f64> {
    let text = vars.optional("MODEL_TEMPERATURE")?;
    let temperature = text.parse().ok().filter(|number| (0.0..=2.0).contains(number));
    if temperature.is_none() {
        vars.problem(format!("MODEL_TEMPERATURE is `{text}`: use a number from 0 to 2"));
    }
    temperature
}

/// Returns the header of the key for the server of `endpoint`.
fn key_header(endpoint: &Url) -> KeyHeader {
    let is_in = |domain: &str| {
        let name = endpoint.host_str().and_then(|host| host.strip_suffix(domain));
        name.is_some_and(|name| name.ends_with('.'))
    };
    match endpoint.query().is_some() || AZURE_DOMAINS.into_iter().any(is_in) {
        true => KeyHeader::ApiKey,
        false => KeyHeader::Bearer,
    }
}

/// Whether the query of `url` is only the version of Azure's API.
fn is_api_version(url: &Url) -> bool {
    let mut pairs = url.query_pairs();
    let is_named = pairs.next().is_some_and(|(name, value)| name == API_VERSION && !value.is_empty());
    is_named && pairs.next().is_none()
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
    let has_login = !url.username().is_empty() || url.password().is_some();
    let has_extra = url.query().is_some() && !is_api_version(&url);
    if has_login || has_extra || url.fragment().is_some() {
        return Err(
            "has more than a host, a path and the api-version of Azure; set the key as MODEL_API_KEY",
        );
    }
    if url.path().contains("/openai/deployments/") && url.query().is_none() {
        return Err("is a deployment of Azure OpenAI, which needs ?api-version=… at its end");
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
            (
                "https://x.openai.azure.com/openai/deployments/m/chat/completions?api-version=2024-10-21",
                "https://x.openai.azure.com/openai/deployments/m/chat/completions?api-version=2024-10-21",
            ),
        ] {
            assert_eq!(endpoint(base).unwrap().as_str(), expected);
        }
        for rejected in [
            "model",
            "ftp://x.example",
            "https://me:hush@x.example",
            "https://x.example/v1?key=hush",
            "https://x.example/v1?api-version=1&key=hush",
            "https://x.openai.azure.com/openai/deployments/m",
        ] {
            assert!(!endpoint(rejected).unwrap_err().contains("hush"));
        }
    }

    #[test]
    fn key_is_sent_in_the_header_of_its_server() {
        for (base, header) in [
            ("https://api.openai.com/v1", KeyHeader::Bearer),
            ("https://x.openai.azure.com/openai/v1", KeyHeader::ApiKey),
            ("https://x.example/openai/deployments/m?api-version=2024-10-21", KeyHeader::ApiKey),
            ("https://notopenai.azure.com/v1", KeyHeader::Bearer),
        ] {
            assert_eq!(key_header(&endpoint(base).unwrap()), header, "{base}");
        }
    }

    #[test]
    fn prompt_and_temperature_are_read() {
        let with = |key, value| read(&[("MODEL_BASE_URL", "https://x"), ("MODEL_NAME", "m"), (key, value)]);

        let prompt = with("MODEL_SYSTEM_PROMPT", "You are a pirate.").unwrap().unwrap().system_prompt;
        assert_eq!(prompt.as_deref(), Some("You are a pirate."));
        assert_eq!(with("MODEL_TEMPERATURE", "0.2").unwrap().unwrap().temperature, Some(0.2));
        assert_eq!(with("MODEL_TEMPERATURE", "").unwrap().unwrap().temperature, None);
        for wrong in ["hot", "2.1", "-1", "NaN"] {
            assert!(with("MODEL_TEMPERATURE", wrong).unwrap_err().contains("from 0 to 2"), "{wrong}");
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
