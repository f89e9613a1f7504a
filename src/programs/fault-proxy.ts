#!/usr/bin/env node
/**
 * `npm run fault-proxy`: lets real processes feel a fault plan of the simulator.
 */
import { program } from "./fault-proxy/FaultProxyCommand.ts"
import * as Main from "./Main.ts"

Main.run(program, { disableErrorReporting: true })
