declare module '*.css'

declare module '*.wasm?url' {
  const address: string
  export default address
}

declare module '*.vue' {
  import type { DefineComponent } from 'vue'
  const component: DefineComponent
  export default component
}

declare module 'virtual:icons' {
  import type { IconifyJSON } from '@iconify/types'
  const icons: IconifyJSON
  export default icons
}
