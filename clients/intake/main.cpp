// SPDX-License-Identifier: GPL-3.0-or-later
// smsd-intake: takes alerts over HTTP and submits them to smsd over intake.sock. It has no other access to
// anything.
#include <kj/exception.h>
#include <sysexits.h>

#include "clients/intake/arguments.h"
#include "clients/intake/intake-metrics.h"
#include "clients/intake/read-settings.h"
#include "clients/intake/serve.h"
#include "clients/program/program.h"
#include "common/fault.h"
#include "common/io/output.h"
#include "common/journal/journal.h"
#include "common/sandbox/sandbox.h"

namespace smsd::webintake {
namespace {

int run(const IntakeOptions& options) {
  if (options.explain) {
    printKeys(options);
    return EX_OK;
  }
  sandbox::keepPrivate();  // before the tokens are read
  IntakeSettings settings;
  const std::string problems = readSettings(options, settings);
  io::complain(problems);
  if (!problems.empty()) return EX_CONFIG;
  return options.check ? EX_OK : serve(options, settings);
}

}  // namespace
}  // namespace smsd::webintake

int main(int argc, char** argv) {
  using namespace smsd;
  webintake::IntakeOptions options;
  int status = EX_OK;
  if (!webintake::readOptions(argc, argv, options, status)) return status;
  if (options.list) {
    io::print(webintake::listOfIntakeMetrics());
    return EX_OK;
  }
  journal::open("smsd-intake");
  try {
    return webintake::run(options);
  } catch (const program::CannotRun& e) {
    io::complainAs("smsd-intake", e.what());
    return e.status();
  } catch (const sandbox::LockFailed& e) {
    io::complainAs("smsd-intake", faultOf(e));
    return EX_CONFIG;
  } catch (const kj::Exception& e) {
    io::complainAs("smsd-intake", faultOf(e));
  } catch (const std::exception& e) {
    io::complainAs("smsd-intake", faultOf(e));
  }
  return EX_SOFTWARE;
}
