// SPDX-License-Identifier: GPL-3.0-or-later
// Declares the commands of `smsctl new`.
#include "common/io/option-values.h"
#include "supervisor/smsctl/command-line.h"

namespace smsd::smsctl {
namespace {

void addOpenings(CLI::App* sub, Arguments& a) {
  const auto open = [sub](const char* flag, Opening& opening, const char* help) {
    sub->add_flag_callback(
        flag, [&opening]() { opening = Opening::open; }, help);
  };
  open("--network", a.project.openings.network, "write a drop-in that opens the network");
  open("--state", a.project.openings.state, "write a drop-in that opens a folder for files of the worker");
  sub->add_option("--device", a.project.openings.device, "write a drop-in that opens this device")
      ->type_name("PATH");
  sub->add_option("--output", a.project.output, "write to this folder; no file in it is overwritten")
      ->type_name("FOLDER");
}

void addNewDispatcher(CLI::App& group, Arguments& a, Action& chosen) {
  auto* sub = command(group, "dispatcher",
                      "write the beginning of a dispatcher of your own: program, units, test, README", a,
                      chosen, [&a]() { return newDispatcher(a.project, a.form()); });
  sub->add_option("NAME", a.project.name,
                  "the name of the new kind; in Python and shell, of the dispatcher of kind command")
      ->required()
      ->type_name("");
  sub->add_option_function<std::string>(
         "--language",
         [&a](const std::string& word) {
           a.project.language = word == "python"  ? Language::python
                                : word == "shell" ? Language::shell
                                                  : Language::cplusplus;
         },
         "the language of the program; default: c++")
      ->transform(io::oneOf({"c++", "python", "shell"}))
      ->type_name("c++|python|shell");
  addOpenings(sub, a);
}

void addNewUnit(CLI::App& group, Arguments& a, Action& chosen) {
  auto* sub = command(group, "unit", "write the units of a kind of your own: socket, service, drop-ins", a,
                      chosen, [&a]() { return newUnit(a.project, a.form()); });
  sub->add_option("KIND", a.project.name, "the kind")->required()->type_name("");
  addOpenings(sub, a);
}

}  // namespace

void addNew(CLI::App& app, Arguments& a, Action& chosen) {
  auto* group =
      app.add_subcommand("new", "begin a dispatcher of your own: smsd-extending(7)")->require_subcommand(1);
  addNewDispatcher(*group, a, chosen);
  addNewUnit(*group, a, chosen);
}

}  // namespace smsd::smsctl
