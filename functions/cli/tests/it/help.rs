//! The help of every command.

use clap::CommandFactory;
use cli::args::Arguments;

use crate::golden::{Times, assert_golden};

#[test]
fn help_of_every_command_is_golden() {
    let mut root = Arguments::command();
    root.build();

    let mut commands = vec![root];
    while let Some(mut command) = commands.pop() {
        let name = command.get_bin_name().unwrap_or("herald").replace(' ', "-");
        let help = command.render_long_help().to_string();
        let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
        assert_golden(&format!("help/{name}.txt"), &format!("{}\n", lines.join("\n")), Times::Compared);
        // `help` repeats the help of the others.
        commands.extend(command.get_subcommands().filter(|command| command.get_name() != "help").cloned());
    }
}
