//! Reads a template as a tree, and evaluates the intrinsic functions of properties.
//! It has no resource types; functions that need a deployment (`Fn::If`, `Fn::ImportValue` …) are errors.

use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

use super::account::{ACCOUNT, REGION};
use super::error::TemplateError;

/// Value of `AWS::StackName` on one machine.
const STACK_NAME: &str = "herald";

/// A parsed template.
#[derive(Debug)]
pub(super) struct Document {
    /// The tree, with every function in its long form.
    pub(super) root: Value,
}

/// One resource of a template.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resource<'a> {
    /// The logical id.
    pub(super) id: &'a str,
    /// The type, e.g. `AWS::SQS::Queue`.
    pub(super) kind: &'a str,
    body: &'a Value,
    document: &'a Document,
}

impl Document {
    /// Parses YAML; `!Sub x` and `Fn::Sub: x` are equivalent.
    pub(super) fn parse(text: &str) -> Result<Self, TemplateError> {
        Ok(Self { root: long_form(serde_yaml_ng::from_str(text)?) })
    }

    /// Returns every resource, by logical id.
    pub(super) fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        let resources = self.root.get("Resources").and_then(Value::as_object);
        resources.into_iter().flatten().map(|(id, body)| {
            let kind = body.get("Type").and_then(Value::as_str).unwrap_or_default();
            Resource { id, kind, body, document: self }
        })
    }

    /// Returns the value with its intrinsic functions evaluated. A resource evaluates to its logical id, for `Ref` and
    /// `GetAtt`; the stack assigns its local address.
    fn evaluate(&self, value: &Value) -> Result<Value, String> {
        match value {
            Value::Array(items) => items.iter().map(|item| self.evaluate(item)).collect(),
            Value::Object(fields) => match single(fields) {
                Some(("Ref", Value::String(name))) => self.reference(name),
                Some(("Fn::GetAtt", target)) => Ok(json!(attribute_owner(target)?)),
                Some(("Fn::Sub", Value::String(text))) => Ok(json!(self.substitute(text, &Map::new())?)),
                Some(("Fn::Sub", Value::Array(parts))) => {
                    let (Some(text), Some(names)) =
                        (parts.first().and_then(Value::as_str), parts.get(1).and_then(Value::as_object))
                    else {
                        return Err("Fn::Sub takes a text, or a text and a map".to_owned());
                    };
                    Ok(json!(self.substitute(text, names)?))
                }
                Some((function, _)) if function.starts_with("Fn::") => {
                    Err(format!("{function} cannot be evaluated without a deployment"))
                }
                Some(_) | None => {
                    fields.iter().map(|(key, item)| Ok((key.clone(), self.evaluate(item)?))).collect()
                }
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(value.clone()),
        }
    }

    fn reference(&self, name: &str) -> Result<Value, String> {
        let pseudo = match name {
            "AWS::StackName" => STACK_NAME,
            "AWS::Region" => REGION,
            "AWS::AccountId" => ACCOUNT,
            "AWS::Partition" => "aws",
            "AWS::URLSuffix" => "amazonaws.com",
            _ => "",
        };
        if !pseudo.is_empty() {
            return Ok(json!(pseudo));
        }
        let known = |section: &str| self.root.get(section).and_then(|section| section.get(name));
        if let Some(parameter) = known("Parameters") {
            return parameter
                .get("Default")
                .cloned()
                .ok_or_else(|| format!("parameter {name} has no default"));
        }
        known("Resources")
            .map(|_| json!(name))
            .ok_or_else(|| format!("{name} is neither a parameter nor a resource"))
    }

    /// Replaces `${Name}` and `${Name.Attribute}`, and unescapes `${!Name}`.
    fn substitute(&self, text: &str, names: &Map<String, Value>) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, tail) =
                after.split_once('}').ok_or_else(|| format!("`{text}` has a ${{ without a }}"))?;
            out.push_str(before);
            if let Some(literal) = name.strip_prefix('!') {
                out.push_str(&format!("${{{literal}}}"));
            } else {
                let value = match names.get(name) {
                    Some(value) => self.evaluate(value)?,
                    None => self.reference(name.split('.').next().unwrap_or(name))?,
                };
                out.push_str(&scalar_text(&value).ok_or_else(|| format!("{name} is not a scalar"))?);
            }
            rest = tail;
        }
        out.push_str(rest);
        Ok(out)
    }
}

impl<'a> Resource<'a> {
    /// Returns the property at `path` (names joined by dots), evaluated; `None` if it is missing.
    pub(super) fn property(&self, path: &str) -> Result<Option<Value>, TemplateError> {
        let Some(properties) = self.body.get("Properties") else { return Ok(None) };
        let found = path.split('.').try_fold(properties, |value, name| value.get(name));
        let evaluated = found.map(|value| self.document.evaluate(value)).transpose();
        evaluated.map_err(|reason| TemplateError::unreadable(self.id, path, &reason))
    }

    /// Returns the required property at `path`.
    pub(super) fn required(&self, path: &str) -> Result<Value, TemplateError> {
        self.property(path)?.ok_or_else(|| TemplateError::absent(self.id, path))
    }

    /// Returns the scalar at `path` as text.
    pub(super) fn text(&self, path: &str) -> Result<Option<String>, TemplateError> {
        let Some(value) = self.property(path)? else { return Ok(None) };
        let text = scalar_text(&value)
            .ok_or_else(|| TemplateError::unreadable(self.id, path, &"it is not a scalar"))?;
        Ok(Some(text))
    }

    /// Returns the required scalar at `path` as text.
    pub(super) fn required_text(&self, path: &str) -> Result<String, TemplateError> {
        self.text(path)?.ok_or_else(|| TemplateError::absent(self.id, path))
    }

    /// Returns the field names of the map at `path`, not evaluated.
    pub(super) fn field_names(&self, path: &str) -> impl Iterator<Item = &'a str> {
        let names = ["Properties"].into_iter().chain(path.split('.'));
        let found = names.into_iter().try_fold(self.body, |value, name| value.get(name));
        found.and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.as_str())
    }
}

/// Returns the only field of a map, which is the form of a function call.
fn single(fields: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut fields = fields.iter();
    match (fields.next(), fields.next()) {
        (Some((name, value)), None) => Some((name, value)),
        (_, _) => None,
    }
}

fn attribute_owner(target: &Value) -> Result<String, String> {
    let owner = match target {
        Value::Array(parts) => parts.first().and_then(Value::as_str),
        Value::String(text) => text.split('.').next(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    };
    owner.map(str::to_owned).ok_or_else(|| "Fn::GetAtt takes a resource and an attribute".to_owned())
}

/// Converts YAML to JSON, with `!Tag` in its long form.
fn long_form(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => json!(flag),
        Yaml::Number(number) => serde_json::to_value(number).unwrap_or_default(),
        Yaml::String(text) => json!(text),
        Yaml::Sequence(items) => items.into_iter().map(long_form).collect(),
        Yaml::Mapping(fields) => {
            let name = |key| scalar_text(&long_form(key)).unwrap_or_default();
            fields.into_iter().map(|(key, value)| (name(key), long_form(value))).collect()
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let tag = tag.trim_start_matches('!');
            let function = if tag == "Ref" { tag.to_owned() } else { format!("Fn::{tag}") };
            json!({ function: long_form(tagged.value) })
        }
    }
}

/// Returns a scalar as text, for example `360`, `"360"` or `true`.
fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
