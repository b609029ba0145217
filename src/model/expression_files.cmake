# The expression language's part of the room: included by CMakeLists.txt of this folder.
set(MODEL_EXPRESSION_HEADERS
  expression.h expression_duration.h expression_json.h expression_json_dom.h expression_lexer.h expression_compiler.h
  expression_program.h functions.h value.h)
set(MODEL_EXPRESSION_SOURCES
  expression.cc expression_compiler.cc expression_duration.cc expression_eval.cc expression_json.cc
  expression_lexer.cc expression_operators.cc functions.cc functions_encoding.cc functions_list.cc
  functions_number.cc functions_text.cc functions_time.cc value.cc)
set(MODEL_EXPRESSION_DEPENDS
  PkgConfig::re2 OpenSSL::Crypto simdjson::simdjson)
set(MODEL_EXPRESSION_TESTS expression_template_test.cc expression_test.cc functions_test.cc value_test.cc)
set(MODEL_EXPRESSION_BENCHES)
set(MODEL_EXPRESSION_FUZZERS)
