// The library's static archive is linked: nothing here is a dllimport.
#define YAML_DECLARE_STATIC
#include <yaml.h>
