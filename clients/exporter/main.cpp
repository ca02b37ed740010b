// SPDX-License-Identifier: GPL-3.0-or-later
// smsd-exporter: gives smsd's figures to Prometheus, over HTTP or as a file. Reads status.sock and nothing
// else.
#include <kj/exception.h>
#include <sysexits.h>

#include "clients/exporter/arguments.h"
#include "clients/exporter/families.h"
#include "clients/exporter/serve.h"
#include "clients/program/program.h"
#include "common/fault.h"
#include "common/io/output.h"
#include "common/journal/journal.h"

int main(int argc, char** argv) {
  using namespace smsd;
  exporter::Options options;
  int status = EX_OK;
  if (!exporter::readOptions(argc, argv, options, status)) return status;
  if (options.list) {
    io::print(exporter::listOfMetrics());
    return EX_OK;
  }
  journal::open("smsd-exporter");
  try {
    return options.textfile ? exporter::writeTextFile(options) : exporter::serve(options);
  } catch (const program::CannotRun& e) {
    io::complainAs("smsd-exporter", e.what());
    return e.status();
  } catch (const kj::Exception& e) {
    io::complainAs("smsd-exporter", faultOf(e));
  } catch (const std::exception& e) {
    io::complainAs("smsd-exporter", faultOf(e));
  }
  return EX_SOFTWARE;
}
