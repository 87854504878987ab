// Test only: makes stock Chromium's WebGPU run on Mesa's lavapipe, which has shader-f16, instead of SwiftShader.
//
// Chromium loads libvk_swiftshader.so for its software adapter and takes a CPU device only when its ids are
// SwiftShader's. So this library does two things:
//   - preloaded, it answers the dlopen of libvk_swiftshader.so with the system's Vulkan loader;
//   - as a Vulkan layer, it reports SwiftShader's vendor and device id for a CPU device.
// Built and used by index.mjs in this folder. adapter.info says SwiftShader afterwards: read limits and features instead.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

#define EXPORT __attribute__((visibility("default")))

static const uint32_t SWIFTSHADER_VENDOR = 0x1AE0;
static const uint32_t SWIFTSHADER_DEVICE = 0xC0DE;

// --- preload ---

EXPORT void *dlopen(const char *file, int flags) {
  typedef void *(*dlopen_fn)(const char *, int);
  static dlopen_fn next = NULL;
  if (next == NULL) next = (dlopen_fn)dlsym(RTLD_NEXT, "dlopen");
  const int is_swiftshader = file != NULL && strstr(file, "libvk_swiftshader.so") != NULL;
  return next(is_swiftshader ? "libvulkan.so.1" : file, flags);
}

// --- layer ---

static PFN_vkGetInstanceProcAddr next_get_proc;
static PFN_vkGetPhysicalDeviceProperties next_properties;
static PFN_vkGetPhysicalDeviceProperties2 next_properties2;

static void disguise(VkPhysicalDeviceProperties *properties) {
  if (properties->deviceType != VK_PHYSICAL_DEVICE_TYPE_CPU) return;
  properties->vendorID = SWIFTSHADER_VENDOR;
  properties->deviceID = SWIFTSHADER_DEVICE;
}

static VKAPI_ATTR void VKAPI_CALL layer_properties(VkPhysicalDevice device, VkPhysicalDeviceProperties *out) {
  next_properties(device, out);
  disguise(out);
}

static VKAPI_ATTR void VKAPI_CALL layer_properties2(VkPhysicalDevice device, VkPhysicalDeviceProperties2 *out) {
  next_properties2(device, out);
  disguise(&out->properties);
}

static VkLayerInstanceCreateInfo *link_info(const VkInstanceCreateInfo *info) {
  for (const VkBaseInStructure *each = info->pNext; each != NULL; each = each->pNext) {
    if (each->sType != VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO) continue;
    VkLayerInstanceCreateInfo *found = (VkLayerInstanceCreateInfo *)each;
    if (found->function == VK_LAYER_LINK_INFO) return found;
  }
  return NULL;
}

static VKAPI_ATTR VkResult VKAPI_CALL layer_create_instance(const VkInstanceCreateInfo *info,
                                                             const VkAllocationCallbacks *allocator,
                                                             VkInstance *instance) {
  VkLayerInstanceCreateInfo *link = link_info(info);
  if (link == NULL) return VK_ERROR_INITIALIZATION_FAILED;
  next_get_proc = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  PFN_vkCreateInstance create = (PFN_vkCreateInstance)next_get_proc(VK_NULL_HANDLE, "vkCreateInstance");
  const VkResult result = create(info, allocator, instance);
  if (result != VK_SUCCESS) return result;
  next_properties = (PFN_vkGetPhysicalDeviceProperties)next_get_proc(*instance, "vkGetPhysicalDeviceProperties");
  next_properties2 = (PFN_vkGetPhysicalDeviceProperties2)next_get_proc(*instance, "vkGetPhysicalDeviceProperties2");
  return result;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL layer_get_proc(VkInstance instance, const char *name) {
  if (strcmp(name, "vkGetInstanceProcAddr") == 0) return (PFN_vkVoidFunction)layer_get_proc;
  if (strcmp(name, "vkCreateInstance") == 0) return (PFN_vkVoidFunction)layer_create_instance;
  if (strcmp(name, "vkGetPhysicalDeviceProperties") == 0) return (PFN_vkVoidFunction)layer_properties;
  if (strcmp(name, "vkGetPhysicalDeviceProperties2") == 0) return (PFN_vkVoidFunction)layer_properties2;
  if (strcmp(name, "vkGetPhysicalDeviceProperties2KHR") == 0) return (PFN_vkVoidFunction)layer_properties2;
  return next_get_proc == NULL ? NULL : next_get_proc(instance, name);
}

EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *interface) {
  interface->loaderLayerInterfaceVersion = 2;
  interface->pfnGetInstanceProcAddr = layer_get_proc;
  interface->pfnGetDeviceProcAddr = NULL;
  interface->pfnGetPhysicalDeviceProcAddr = NULL;
  return VK_SUCCESS;
}
