# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the PostgreSQL backend and compiles its SQL scripts in. The code uses only the interfaces that libpqxx 6.4 and 7.10
# share, some of which 7.10 deprecates. libpq itself is used to read connection strings.

foreach(part "" -2 -3 -4 -5 -6 -7 -tables -indexes -notify)
  set(script ${CMAKE_SOURCE_DIR}/deploy/sql/postgresql${part}.sql)
  string(TOUPPER "SMSD_SQL_POSTGRESQL${part}" variable)
  string(REPLACE - _ variable ${variable})
  file(READ ${script} ${variable})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${script})
endforeach()
configure_file(${CMAKE_CURRENT_LIST_DIR}/schema.h.in
  ${CMAKE_BINARY_DIR}/generated/queue/supervisor/queue/postgresql/schema.h @ONLY)

set(sources claim.cpp condition.cpp connection.cpp heartbeats.cpp install.cpp installed-schema.cpp intake.cpp lease.cpp nav.cpp operator.cpp others.cpp
  pace.cpp
  queue.cpp
  settle.cpp)
list(TRANSFORM sources PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
target_sources(smsd-supervisor PRIVATE ${sources})
set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS -Wno-deprecated-declarations)
target_include_directories(smsd-supervisor PRIVATE ${CMAKE_BINARY_DIR}/generated/queue)
target_link_libraries(smsd-supervisor PRIVATE PkgConfig::PQXX PkgConfig::PQ)
