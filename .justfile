# `just` lists the recipes; `just ci` is what CI runs.

[private]
default:
    @just --justfile {{ justfile() }} --list

# Run everything that a change must pass, as CI does
ci:
    .ci/run

# Format all crates
fmt:
    cargo fmt --all

# Check format and lints
lint:
    cargo fmt --all --check
    cargo lint

# Run the tests; `just test hostile` runs those whose name contains it
test *filter:
    cargo it {{ filter }}

# Build the API documentation, with warnings as errors
docs:
    RUSTDOCFLAGS="-D warnings" cargo docs

# Play the story in the terminal
demo:
    cargo run --locked -- demo

# Run everything on this machine
run *arguments:
    cargo run --locked -- run {{ arguments }}

# Check this machine, or the deployment that the environment names
doctor *arguments:
    cargo run --locked -- doctor {{ arguments }}

# Check licences, bans, sources and advisories of the dependencies
deny:
    cargo deny --config .deny.toml check

# Check the spelling of code and documents
typos:
    typos --config .typos.toml

# Build the release binaries
release:
    cargo build --release --locked -p herald-inbound -p herald-worker -p herald-proactive
