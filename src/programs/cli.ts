#!/usr/bin/env node
/**
 * The program `holdfast`.
 */
import { program } from "./cli/Holdfast.ts"
import * as Main from "./Main.ts"

Main.run(program, { disableErrorReporting: true })
