// The static library is linked, so its functions are not declared as dllimport.
#define YAML_DECLARE_STATIC
#include <yaml.h>
