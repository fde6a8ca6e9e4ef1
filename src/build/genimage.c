// SPDX-License-Identifier: MIT
#include "build/genimage.h"
int genimage_build(const struct genimage_options *options, struct genimage_result *result,
		   struct deadline deadline, struct err *err){(void)options;(void)result;(void)deadline;return err_set(err,ERR_INTERNAL,"soon");}
void genimage_result_free(struct genimage_result *result){(void)result;}
