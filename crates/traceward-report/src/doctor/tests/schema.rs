//! As much of JSON Schema as our own schema and SARIF's use, so that instances are checked without a
//! network and without another library.

use serde_json::Value;

/// What in `value` is not as `schema` says, each with its place; empty if all is.
pub(crate) fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "$", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let mut say = |what: String| found.push(format!("{at}: {what}"));
    if let Some(types) = schema.get("type") {
        let types = types.as_array().map_or_else(|| vec![types], |types| types.iter().collect());
        if !types.iter().any(|name| name.as_str().is_some_and(|name| is(value, name))) {
            say(format!("{value} is no {types:?}"));
        }
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        say(format!("{value} is none of {allowed:?}"));
    }
    for (limit, is_out) in [("minimum", f64::lt as fn(&f64, &f64) -> bool), ("maximum", f64::gt)] {
        if let Some((limit, number)) = schema.get(limit).and_then(Value::as_f64).zip(value.as_f64())
            && is_out(&number, &limit)
        {
            say(format!("{number} is beyond {limit}"));
        }
    }
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        if let (Some(object), Some(name)) = (value.as_object(), name.as_str())
            && !object.contains_key(name)
        {
            say(format!("{name} is missing"));
        }
    }
    if let Some(items) = value.as_array() {
        let (least, unique) = (schema.get("minItems"), schema.get("uniqueItems"));
        if least.and_then(Value::as_u64).is_some_and(|least| (items.len() as u64) < least) {
            say("too few items".into());
        }
        if unique == Some(&Value::Bool(true)) && (1..items.len()).any(|i| items[..i].contains(&items[i])) {
            say("an item stands there twice".into());
        }
    }
    let nested = |alternative: &Value| {
        let mut found = Vec::new();
        check(root, alternative, value, at, &mut found);
        found.is_empty()
    };
    for (word, fits) in [("oneOf", (|n| n == 1) as fn(usize) -> bool), ("anyOf", |n| n > 0)] {
        if let Some(alternatives) = schema.get(word).and_then(Value::as_array) {
            let fitting = alternatives.iter().filter(|alternative| nested(alternative)).count();
            if !fits(fitting) {
                say(format!("{fitting} alternatives fit"));
            }
        }
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(target.trim_start_matches('#')).expect("every reference leads somewhere");
        check(root, target, value, at, found);
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for (place, value) in values.iter().enumerate() {
            check(root, items, value, &format!("{at}[{place}]"), found);
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, value) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{name}");
        match properties.and_then(|properties| properties.get(name)) {
            Some(schema) => check(root, schema, value, &at, found),
            None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
                found.push(format!("{at}: nobody knows it"));
            }
            None => {}
        }
    }
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        _ => false,
    }
}

#[test]
fn what_breaks_a_schema_is_found() {
    let schema = serde_json::json!({
        "type": "object",
        "required": ["a"],
        "properties": {
            "a": { "type": "integer", "minimum": 1 },
            "b": { "enum": ["x"] },
            "c": { "type": "array", "items": { "$ref": "#/properties/a" }, "uniqueItems": true },
            "d": { "oneOf": [{ "type": "null" }, { "type": "string" }] },
        },
        "additionalProperties": false,
    });
    let broken = |value: Value| violations(&schema, &value).len();
    assert_eq!(broken(serde_json::json!({ "a": 1, "b": "x", "c": [1, 2], "d": null })), 0);
    for bad in [
        serde_json::json!([]),
        serde_json::json!({}),
        serde_json::json!({ "a": 0 }),
        serde_json::json!({ "a": 1.5 }),
        serde_json::json!({ "a": 1, "b": "y" }),
        serde_json::json!({ "a": 1, "c": [1, 1] }),
        serde_json::json!({ "a": 1, "c": ["x"] }),
        serde_json::json!({ "a": 1, "d": 1 }),
        serde_json::json!({ "a": 1, "e": 1 }),
    ] {
        assert!(broken(bad.clone()) > 0, "{bad}");
    }
}
