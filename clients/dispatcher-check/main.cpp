// SPDX-License-Identifier: GPL-3.0-or-later
// smsd-dispatcher-check: starts a dispatcher program as smsd does, and reports each rule of
// proto/dispatcher.capnp that the program breaks. For authors of dispatchers, in any language.
#include <kj/exception.h>
#include <sysexits.h>

#include "clients/dispatcher-check/arguments.h"
#include "clients/dispatcher-check/report.h"
#include "clients/dispatcher-check/run.h"
#include "common/fault.h"
#include "common/io/output.h"

int main(int argc, char** argv) {
  using namespace smsd;
  check::Arguments arguments;
  int status = EX_OK;
  if (!check::readArguments(argc, argv, arguments, status)) return status;
  if (arguments.list) {
    io::print(arguments.json ? check::listOfChecksJson() : check::listOfChecks());
    return EX_OK;
  }
  try {
    return check::run(arguments);
  } catch (const kj::Exception& e) {
    io::complainAs("smsd-dispatcher-check", faultOf(e));
  } catch (const std::exception& e) {
    io::complainAs("smsd-dispatcher-check", faultOf(e));
  }
  return EX_SOFTWARE;
}
