// SPDX-License-Identifier: GPL-3.0-or-later
// Declares the commands of `smsctl config`.
#include <sysexits.h>

#include "supervisor/smsctl/command-line.h"
#include "supervisor/smsctl/config-keys/command.h"
#include "supervisor/smsctl/import-nav/import-nav.h"

namespace smsd::smsctl {
namespace {

void addConfigInstall(CLI::App& group, Arguments& a, Action& chosen) {
  auto* install =
      command(group, "install", "check configuration files and put them in their places, with owner and mode",
              a, chosen, [&a]() {
                using Mode = InstallArguments::Mode;
                a.configFiles.config = a.config;
                a.configFiles.mode = a.dryRun ? Mode::dryRun : Mode::install;
                return installConfig(a.configFiles, a.form());
              });
  install
      ->add_option("FILE", a.configFiles.files,
                   "smsd.yaml, files of dispatchers (NAME.yaml), and their secrets")
      ->required()
      ->type_name("");
  install->add_flag("--dry-run", a.dryRun, "check the files and show what would be done");
}

int smsctlImport(Arguments& a) {
  using Move = MoveArguments;
  if (!a.output.empty()) {
    if (a.apply || a.undo || !a.move.test.empty())
      throw CommandError(EX_USAGE, "--output: expected no --apply, --undo and --test with it");
    return importNav(a.navFolder, a.output, a.form());
  }
  if (a.undo && !a.move.test.empty()) throw CommandError(EX_USAGE, "--undo: expected no --test with it");
  a.move.navFolder = a.navFolder;
  a.move.config = a.config;
  a.move.direction = a.undo ? Move::Direction::backToNav : Move::Direction::toSmsd;
  a.move.mode = a.apply ? Move::Mode::apply : Move::Mode::show;
  return moveFromNav(a.move, a.form());
}

void addImportNav(CLI::App& group, Arguments& a, Action& chosen) {
  auto* import =
      command(group, "import-nav", "move from NAV's smsd to this one; without --apply, show the steps only",
              a, chosen, [&a]() { return smsctlImport(a); });
  import->add_option("DIR", a.navFolder, "the folder of NAV's smsd.conf, nav.conf, db.conf and daemons.yml")
      ->required()
      ->type_name("");
  import->add_flag("--apply", a.apply, "execute the steps, as root");
  import->add_option("--test", a.move.test, "the last step: a test SMS to this number")->type_name("NUMBER");
  import->add_flag("--undo", a.undo, "the way back: stop smsd, and start NAV's smsd again");
  import->add_option("--nav", a.move.nav, "path of NAV's program nav, if it is not found")
      ->type_name("PROGRAM");
  import
      ->add_option("--output", a.output,
                   "only write the configuration to this folder; no file in it is overwritten")
      ->type_name("FOLDER");
}

void addKeys(CLI::App& group, Arguments& a, Action& chosen) {
  auto* explain = command(group, "explain",
                          "explain a key of smsd.yaml or of a dispatcher's file; without KEY, list all keys",
                          a, chosen, [&a]() {
                            return explainKeys({a.config, a.key, a.kind}, a.form());
                          });
  explain->add_option("KEY", a.key, "the key, a section, or the last part of a key")->type_name("");
  explain->add_option("--kind", a.kind, "only keys of the file of a dispatcher of this kind")
      ->type_name("KIND");
  auto* schema = command(group, "schema", "print the JSON Schema of smsd.yaml or of a dispatcher's file", a,
                         chosen, [&a]() { return printSchema(a.config, a.kind); });
  schema->add_option("KIND", a.kind, "the kind of the dispatcher; without it, the schema of smsd.yaml")
      ->type_name("");
}

}  // namespace

void addConfig(CLI::App& app, Arguments& a, Action& chosen) {
  auto* group =
      app.add_subcommand("config", "explain, check and import configurations")->require_subcommand(1);
  addKeys(*group, a, chosen);
  command(*group, "check", "print every error in the configuration, as smsd --check does", a, chosen,
          [&a]() { return checkConfig(a.config, a.form()); });
  addConfigInstall(*group, a, chosen);
  addImportNav(*group, a, chosen);
}

}  // namespace smsd::smsctl
